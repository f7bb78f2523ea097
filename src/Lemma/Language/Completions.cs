using System.Text;
using Lemma.Decoding;
using Lemma.Sequences;
using Lemma.Text;

namespace Lemma.Language;

/// <summary>Continuations of one prompt that are made together.</summary>
internal static class Completions
{
    /// <summary>Draws several.</summary>
    public static IReadOnlyList<Completion> Several(LanguageModel model, int[] ids, int count, GenerationOptions options, CancellationToken cancellation)
    {
        using Generator generator = model.NewGenerator();
        (SequenceState state, int[] prompt) = model.Begin(ids);
        using (state)
            generator.Start(state, prompt, options with { StopTexts = [] }, count);
        Growing[] all = [.. Enumerable.Range(0, count).Select(_ => new Growing(model.Tokenizer, prompt, options))];
        int[] next = new int[count];
        while (generator.TryNext(next))
        {
            cancellation.ThrowIfCancellationRequested();
            for (int i = 0; i < count; i++)
            {
                if (next[i] >= 0 && !all[i].Append(next[i], generator, i))
                    generator.End(i);
            }
        }
        return [.. all.Select((one, i) => one.Finish(generator.Ids(i)[prompt.Length..].ToArray()))];
    }

    /// <summary>Searches the likeliest.</summary>
    public static IReadOnlyList<Completion> Search(LanguageModel model, int[] ids, BeamOptions options, CancellationToken cancellation)
    {
        (SequenceState state, int[] prompt) = model.Begin(ids);
        using (state)
        {
            options = options with { Ids = options.Ids ?? model.Tokenizer.VocabularySize };
            return [.. BeamSearch.Run(model.Continuing, model.Workers, state, prompt, options, cancellation).Select(beam =>
                new Completion(TextOf(model.Tokenizer, prompt, beam.Ids), beam.Ids) { Score = beam.Score })];
        }
    }

    private static string TextOf(Tokenizer tokenizer, int[] prompt, IReadOnlyList<int> ids)
    {
        StreamingDecoder decoder = new(tokenizer, prompt: prompt);
        return string.Concat(ids.Select(decoder.Append)) + decoder.Finish();
    }

    // One of them while it is made.
    private sealed class Growing(Tokenizer tokenizer, int[] prompt, GenerationOptions options)
    {
        private readonly StreamingDecoder decoder = new(tokenizer, skipSpecialTokens: !options.KeepsSpecialTokens, prompt: prompt);
        private readonly StopFilter filter = new(options.StopTexts);
        private readonly StringBuilder text = new();
        private readonly List<TokenChoice> choices = [];

        /// <summary>Adds an id; false where a text ended it.</summary>
        public bool Append(int id, Generator generator, int sequence)
        {
            if (options.LogProbabilities is not null)
                choices.Add(new TokenChoice(generator.Chosen(sequence), generator.Likeliest(sequence).ToArray()));
            text.Append(filter.Append(decoder.Append(id)));
            return filter.Stop is null;
        }

        public Completion Finish(int[] ids)
        {
            text.Append(filter.Append(decoder.Finish())).Append(filter.Finish());
            return new Completion(text.ToString(), ids) { Stop = filter.Stop, Choices = choices };
        }
    }
}
