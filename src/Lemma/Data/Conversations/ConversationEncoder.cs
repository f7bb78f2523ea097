using System.Text.Json;
using Lemma.Text;
using Lemma.Text.Templates;

namespace Lemma.Data;

/// <summary>Conversations to tokens by the model's chat template, with marks on what the assistant says.</summary>
/// <remarks>
/// A token counts when its first character lies in an answer: the content and the mark that ends the turn, not the header. Examples are encoded by several
/// threads, a piece of them at a time; what comes out, its order and its errors do not depend on how many there are. Thread-safe, the reports aside.
/// </remarks>
public sealed class ConversationEncoder
{
    private readonly Tokenizer tokenizer;
    private readonly ConversationOptions options;
    private readonly ConversationText text;

    /// <summary>An encoder.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="template">The model's template; for a model without one <see cref="PlainTemplate"/>.</param>
    /// <param name="options">How.</param>
    public ConversationEncoder(Tokenizer tokenizer, ChatTemplate template, ConversationOptions options)
    {
        (this.tokenizer, this.options) = (tokenizer, options.Validate());
        text = new ConversationText(template, options);
    }

    /// <summary>Encodes conversations.</summary>
    /// <param name="examples">The conversations.</param>
    /// <param name="report">Told what is encoded, cut and left out.</param>
    /// <exception cref="InvalidDataException">The template refuses a conversation or does not fit training, or one is longer than may be.</exception>
    public IEnumerable<TokenExample> Encode(IEnumerable<ChatExample> examples, DataReport report) => OrderedPieces
        .Map(examples, example => (example.Source, Encoded: Encode(example.Source, example.Messages, example.Tools, 0, options.Counted)))
        .Where(one => Keep(one.Source, report, one.Encoded)).Select(one => one.Encoded.Example!);

    /// <summary>Encodes pairs; a pair is left out when one of its answers is.</summary>
    /// <param name="examples">The pairs.</param>
    /// <param name="report">Told what is encoded, cut and left out; the tokens are those of both.</param>
    /// <exception cref="InvalidDataException">As for conversations.</exception>
    public IEnumerable<TokenPair> Encode(IEnumerable<PreferenceExample> examples, DataReport report) => OrderedPieces
        .Map(examples, example => (example.Source, Chosen: Answer(example.Source, example.Prompt, example.Chosen, example.Tools),
            Rejected: Answer(example.Source, example.Prompt, example.Rejected, example.Tools)))
        .Where(one => Keep(one.Source, report, one.Chosen, one.Rejected)).Select(one => new TokenPair(one.Chosen.Example!, one.Rejected.Example!));

    /// <summary>Encodes judged answers.</summary>
    /// <param name="examples">The answers.</param>
    /// <param name="report">Told what is encoded, cut and left out.</param>
    /// <exception cref="InvalidDataException">As for conversations.</exception>
    public IEnumerable<TokenFeedback> Encode(IEnumerable<FeedbackExample> examples, DataReport report) => OrderedPieces
        .Map(examples, example => (example, Encoded: Answer(example.Source, example.Prompt, example.Completion, example.Tools)))
        .Where(one => Keep(one.example.Source, report, one.Encoded)).Select(one => new TokenFeedback(one.Encoded.Example!, one.example.IsDesired));

    /// <summary>Encodes prompts up to where their answers begin.</summary>
    /// <param name="examples">The prompts.</param>
    /// <param name="report">Told what is encoded and left out; no token counts.</param>
    /// <exception cref="InvalidDataException">As for conversations.</exception>
    public IEnumerable<TokenPrompt> Encode(IEnumerable<VerifiableExample> examples, DataReport report)
    {
        foreach ((VerifiableExample example, int[] ids) in OrderedPieces.Map(examples, example =>
            (example, tokenizer.Encode(text.Prompt(example.Source, example.Prompt, example.Tools), addSpecialTokens: false))))
        {
            if (ids.Length <= options.MaximumLength)
            {
                report.CountEncoded(ids.Length, 0, false);
                yield return new TokenPrompt(ids, example);
            }
            else
            {
                RefuseLong(example.Source, ids.Length);
                report.CountDropped(DropReason.TooLong, example.Source);
            }
        }
    }

    private static bool Keep(string source, DataReport report, params ReadOnlySpan<Outcome> outcomes)
    {
        (int tokens, int counted, bool isCut, bool isEndless) = (0, 0, false, false);
        foreach (Outcome outcome in outcomes)
        {
            if (outcome.Example is null)
            {
                report.CountDropped(outcome.Reason, source);
                return false;
            }
            (tokens, counted, isCut) = (tokens + outcome.Example.Ids.Length, counted + outcome.Example.Predicted, isCut || outcome.IsCut);
            isEndless |= outcome.IsEndless;
        }
        report.CountEncoded(tokens, counted, isCut, isEndless);
        return true;
    }

    private Outcome Answer(string source, IReadOnlyList<ChatMessage> prompt, IReadOnlyList<ChatMessage> answer, JsonElement? tools) =>
        Encode(source, [.. prompt, .. answer], tools, prompt.Count, CountedTokens.Answers);

    private Outcome Encode(string source, IReadOnlyList<ChatMessage> messages, JsonElement? tools, int first, CountedTokens counted)
    {
        bool all = counted == CountedTokens.All;
        MarkedText marked = text.Read(source, messages, tools, all ? messages.Count : first, counted == CountedTokens.LastAnswer);
        EncodedText encoded = tokenizer.EncodeDetailed(marked.Text, addSpecialTokens: false);
        int[] ids = [.. encoded.Ids];
        bool isLong = ids.Length > options.MaximumLength;
        if (isLong)
        {
            RefuseLong(source, ids.Length);
            if (options.WhenLong == LongExample.Drop)
                return new(null, DropReason.TooLong, false);
        }
        int length = Math.Min(ids.Length, options.MaximumLength);
        bool[] counts = new bool[length];
        for (int i = 0, part = 0; i < length; i++)
        {
            int at = encoded.Offsets[i].Start;
            while (part < marked.Answers.Count && at >= marked.Answers[part].End)
                part++;
            counts[i] = i > 0 && (all || (part < marked.Answers.Count && at >= marked.Answers[part].Start));
        }
        bool isEndless = !isLong && options.EndIds.Count > 0 && !ids.Where((id, i) => counts[i] && options.EndIds.Contains(id)).Any();
        return counts.Contains(true) ? new(new TokenExample(ids.AsMemory(0, length), counts), default, isLong, isEndless)
            : new(null, DropReason.NothingCounts, false);
    }

    private void RefuseLong(string source, int length)
    {
        if (options.WhenLong == LongExample.Refuse)
            throw new InvalidDataException($"{source}: it has {length} tokens, but the longest length is {options.MaximumLength}");
    }

    /// <summary>What became of a conversation.</summary>
    private readonly record struct Outcome(TokenExample? Example, DropReason Reason, bool IsCut, bool IsEndless = false);
}
