using Lemma.Compute;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Tests.Models;

/// <summary>Prefix language models: rows of a prefix see each other, trained, read as a whole and gone on from.</summary>
public class PrefixTests
{
    private const int Vocabulary = 61, Length = 401;
    private static readonly int[] Ids = [.. Enumerable.Range(0, Length).Select(i => i * i * 37 % Vocabulary)];

    public static TheoryData<string> Seeing => ["multi_head", "grouped_query", "multi_query", "whole_norm", "latent", "sinusoidal_positions"];

    public static TheoryData<string> Refusing => ["window", "multi_scale_windows", "block_sparse", "dual_chunk", "adaptive_span", "linear", "short_convolution", "gated_delta"];

    [Theory, MemberData(nameof(Seeing))]
    public void TrainedBesideACompositionThatCountsTheRest(string name)
    {
        using Decoder model = MixerTests.Model(name), twin = MixerTests.Model(name);
        Rows rows = new Rows(Ids.AsMemory(0, 120), new[] { 70, 50 }) with { Prefixes = new[] { 33, 50 } };
        int[] targets = [.. Ids[1..121].Select((id, row) => row < 32 || row is >= 69 and < 100 ? -100 : id)];
        using Workers workers = new(2);
        MixerCompositionTests.Compare(workers, model, twin, targets, tape => model.Logits(tape, rows), (tape, targets) => model.Loss(tape, rows, targets),
            tape => new PlainModel(tape, rows).Logits(twin.Config));
    }

    [Theory, MemberData(nameof(Seeing))]
    public void RowsOfThePrefixSeeEachOtherAndNoRowBehind(string name)
    {
        using Decoder model = MixerTests.Model(name);
        using Workers workers = new(2);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        int[] changed = [.. Ids[..40]];
        changed[19]++;
        float[] Logits(int[] ids, int prefix)
        {
            float[] logits = tape[model.Logits(tape, Rows.One(ids) with { Prefixes = new[] { prefix } })].ToArray();
            tape.Rewind();
            return logits;
        }
        // The last id of a prefix of 20 changes its first row; behind a prefix of 19 it does not.
        Assert.NotEqual(Logits(Ids[..40], 20)[..Vocabulary], Logits(changed, 20)[..Vocabulary]);
        Assert.Equal(Logits(Ids[..40], 19)[..(19 * Vocabulary)], Logits(changed, 19)[..(19 * Vocabulary)]);
        Assert.Equal(Logits(Ids[..40], 0), Logits(Ids[..40], 1));
    }

    [Theory, MemberData(nameof(Seeing))]
    public void APrefixInAStateGoesOnWithTheBitsOfTheWhole(string name)
    {
        const int Prefix = 250;
        using Decoder model = MixerTests.Model(name);
        float[]? first = null;
        foreach (int threads in (int[])[1, 2, 3])
        {
            using Workers workers = new(threads);
            using Tape tape = new(workers, model.Parameters) { Recording = false };
            float[] whole = tape[model.Logits(tape, Rows.One(Ids) with { Prefixes = new[] { Prefix } })].ToArray();
            tape.Rewind();
            first ??= whole;
            Assert.True(first.AsSpan().SequenceEqual(whole), $"{threads} threads");
            using SequenceState state = model.NewState(), other = model.NewState();
            // The prefix and some rows behind it, beside a sequence without one; then token by token.
            Rows both = new(Ids[..(Prefix + 3)].Concat([4, 5, 6]).ToArray(), new[] { Prefix + 3, 3 }, new[] { state, other });
            float[] begun = Last(both with { Prefixes = new[] { Prefix, 0 } });
            Check(begun, 0, Prefix + 3);
            using SequenceState fork = state.Fork();
            for (int at = Prefix + 3, count = 1; at < Length; at += count)
            {
                count = at < Prefix + 40 ? 1 : Math.Min(37, Length - at);
                Check(Last(Rows.One(Ids.AsMemory(at, count), state)), 0, at + count);
            }
            Check(Last(new Rows(new[] { 9, Ids[Prefix + 3] }, new[] { 1, 1 }, new[] { other, fork })), 1, Prefix + 4);
            // What is cut behind the prefix comes back with the same bits; nothing is cut inside it.
            fork.Truncate(Prefix);
            Check(Last(Rows.One(Ids.AsMemory(Prefix, 5), fork)), 0, Prefix + 5);
            Named("its prefix of 250 tokens was read as a whole, so it cannot be cut to 249", () => fork.Truncate(Prefix - 1));
            fork.Truncate(0);
            Check(Last(Rows.One(Ids.AsMemory(0, Prefix), fork) with { Prefixes = new[] { Prefix } }), 0, Prefix);

            void Check(float[] logits, int sequence, int end) => Assert.True(
                logits.AsSpan(sequence * Vocabulary, Vocabulary).SequenceEqual(whole.AsSpan((end - 1) * Vocabulary, Vocabulary)), $"up to {end}");

            float[] Last(Rows rows)
            {
                float[] logits = tape[model.NextLogits(tape, rows)].ToArray();
                tape.Rewind();
                return logits;
            }
        }
    }

    [Theory, MemberData(nameof(Refusing))]
    public void MixersWithoutPrefixesSaySo(string name)
    {
        using Decoder model = MixerTests.Model(name);
        using Workers workers = new(1);
        using Tape tape = new(workers, model.Parameters);
        Named("have no prefix, but one of 5 tokens was asked for", () => model.Logits(tape, Rows.One(Ids.AsMemory(0, 9)) with { Prefixes = new[] { 5 } }));
        using SequenceState state = model.NewState();
        Named("have no prefix, but one of 5 tokens was asked for",
            () => model.NextLogits(tape, Rows.One(Ids.AsMemory(0, 9), state) with { Prefixes = new[] { 5 } }));
        // No prefix is none.
        model.Logits(tape, Rows.One(Ids.AsMemory(0, 9)) with { Prefixes = new[] { 0 } });
    }

    [Fact]
    public void PrefixesThatCannotBeHonouredAreNamed()
    {
        using Decoder model = MixerTests.Model("multi_head");
        using Workers workers = new(1);
        using Tape tape = new(workers, model.Parameters) { Recording = false };
        using SequenceState state = model.NewState();
        Rows rows = Rows.One(Ids.AsMemory(0, 9), state);
        Named("must lie in the pass that begins its sequence, of 9 tokens, but it has 10", () => model.NextLogits(tape, rows with { Prefixes = new[] { 10 } }));
        Named("but it has -1", () => model.NextLogits(tape, rows with { Prefixes = new[] { -1 } }));
        Named("2 prefixes for 1 sequences", () => model.NextLogits(tape, rows with { Prefixes = new[] { 1, 1 } }));
        model.NextLogits(tape, rows);
        Named("a prefix of 2 tokens begins its sequence, but 9 were read before it", () => model.NextLogits(tape, rows with { Prefixes = new[] { 2 } }));
        DecoderConfig sloped = model.Config with { Stack = model.Config.Stack with { Bias = new SlopeBias(4) } };
        using Decoder other = new(sloped);
        using Tape own = new(workers, other.Parameters);
        Named("slopes of distances to earlier keys have no prefix", () => other.Logits(own, Rows.One(Ids.AsMemory(0, 9)) with { Prefixes = new[] { 2 } }));
    }

    private static void Named(string part, Action action) => Assert.Contains(part, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);
}
