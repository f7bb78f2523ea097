using System.Text;
using Lemma.Decoding;
using Lemma.Models;

namespace Lemma.Language.LongText;

/// <summary>Summarizes texts of any length: pieces first, then their summaries together, level by level, until one is left.</summary>
/// <remarks>
/// A level has at most three quarters of the pieces below, or it is an error, so there is an end before four times the pieces of the text are read. The summary
/// depends on the model, the options and the text alone, not on interruptions. The model's threads serve one at a time.
/// </remarks>
public sealed class Summarizer
{
    private const int UsualPiece = 2048, UsualSummary = 256, SummariesOfASequence = 8;
    private readonly LanguageModel model;
    private readonly SummarizerOptions options;
    private readonly GenerationOptions generation;
    private readonly SummaryPrompt piecePrompt, mergePrompt;

    /// <summary>A summarizer; the model stays its owner's.</summary>
    /// <exception cref="ArgumentException">A prompt has no single place for the text, or a number of the options is out of its range.</exception>
    public Summarizer(LanguageModel model, SummarizerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        (this.model, this.options) = (model, options ??= new SummarizerOptions());
        generation = options.Generation
            ?? GenerationOptions.Greedy with { MaximumTokens = Math.Clamp(model.Continuing.MaximumLength / SummariesOfASequence, 1, UsualSummary) };
        Require.That(generation.MaximumTokens > 0, $"summary: it must have room for a token, but the most are {generation.MaximumTokens}");
        Require.That(options.Words > 0, $"summary: the words to ask for must be positive, but they are {options.Words}");
        Require.That(options.MaximumLevels is null or > 0, $"summary: the most levels must be positive, but they are {options.MaximumLevels}");
        (piecePrompt, mergePrompt) = (new SummaryPrompt(model, options.PiecePrompt, options), new SummaryPrompt(model, options.MergePrompt, options));
    }

    /// <summary>Summarizes a text.</summary>
    /// <param name="text">A text with more than white space.</param>
    /// <param name="resumePath">A file that keeps the finished pieces, so that a later call goes on; null to keep none.</param>
    /// <param name="progress">Told when a level begins and when each of its pieces is finished.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>; what is finished is in the file.</param>
    /// <exception cref="ArgumentException">A prompt does not fit the longest sequence.</exception>
    /// <exception cref="SummaryException">The model says nothing, summaries do not get fewer, or there are more levels than may be.</exception>
    /// <exception cref="InvalidDataException">The file is not one of finished pieces.</exception>
    public Summary Summarize(string text, string? resumePath = null, IProgress<SummaryProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        Require.That(!string.IsNullOrWhiteSpace(text), $"summary: there must be a text, but its {text.Length} characters are white space");
        using Generator generator = model.NewGenerator();
        SummaryFile? file = resumePath is null ? null : SummaryFile.Open(resumePath);
        SummaryKey? key = file is null ? null : new SummaryKey(model, generator, generation);
        List<IReadOnlyList<SummaryPiece>> levels = [];
        do
        {
            SummaryPrompt prompt = levels.Count == 0 ? piecePrompt : mergePrompt;
            List<TextChunk> chunks = Chunks(text, prompt, levels.Count == 0 ? options.Overlap : 0);
            CheckLevel(levels, chunks.Count);
            List<SummaryPiece> pieces = [];
            progress?.Report(new SummaryProgress(levels.Count + 1, 0, chunks.Count));
            foreach (TextChunk chunk in chunks)
            {
                cancellation.ThrowIfCancellationRequested();
                string? name = key?.Of(prompt.Text, chunk.Text), summary = name is null ? null : file!.Find(name);
                if (summary is null)
                {
                    summary = Write(generator, prompt.Ids(chunk.Text), cancellation);
                    if (name is not null)
                        file!.Add(name, summary);
                }
                pieces.Add(new SummaryPiece(chunk, summary));
                progress?.Report(new SummaryProgress(levels.Count + 1, pieces.Count, chunks.Count));
            }
            levels.Add(pieces);
            text = string.Join("\n\n", pieces.Select(piece => piece.Text).Where(piece => piece.Length > 0));
            if (text.Length == 0)
                throw new SummaryException($"summary: the model said nothing about any of the {pieces.Count} pieces of level {levels.Count}");
        }
        while (levels[^1].Count > 1);
        return new Summary(text, levels);
    }

    private string Write(Generator generator, int[] prompt, CancellationToken cancellation)
    {
        StringBuilder summary = new();
        foreach (string piece in model.Stream(generator, prompt, generation).Pieces(cancellation))
            summary.Append(piece);
        return summary.ToString().Trim();
    }

    // Pieces whose prompts leave room for a summary. Alone a piece can have a few tokens more than within the text: then all are made that much smaller.
    private List<TextChunk> Chunks(string text, SummaryPrompt prompt, int overlap)
    {
        // An encoder's source has no summary behind it.
        int longest = model.Continuing.MaximumLength, most = model.Model is EncoderDecoder ? longest : longest - generation.MaximumTokens;
        int around = prompt.Ids("").Length, room = most - around;
        Require.That(room > 0, $"summary: the longest sequence of {longest} tokens has no room for a piece beside a prompt of {around} and a summary of "
            + $"{generation.MaximumTokens}");
        int size = options.PieceTokens ?? Math.Min(room, UsualPiece);
        Require.That(size > 0 && size <= room, $"summary: a piece may have 1 to {room} tokens beside a prompt of {around} and a summary of "
            + $"{generation.MaximumTokens}, but it is to have {size}");
        while (true)
        {
            List<TextChunk> chunks = [.. TextChunks.ByStructure(text, model.Tokenizer, size, overlap).Where(chunk => !string.IsNullOrWhiteSpace(chunk.Text))];
            int excess = chunks.Max(chunk => prompt.Ids(chunk.Text).Length) - most;
            if (excess <= 0)
                return chunks;
            Require.That(size - excess > overlap, $"summary: pieces of {size} tokens leave {excess} too few for a summary of {generation.MaximumTokens}; "
                + $"take fewer tokens for it, or an overlap of less than {overlap}");
            size -= excess;
        }
    }

    private void CheckLevel(List<IReadOnlyList<SummaryPiece>> levels, int count)
    {
        if (levels.Count == 0)
            return;
        int level = levels.Count + 1, before = levels[^1].Count;
        if (level > options.MaximumLevels)
            throw new SummaryException($"summary: at most {options.MaximumLevels} levels may be, but the {before} summaries of level {level - 1} need "
                + "a further one");
        // One less a level would be an end too, but hardly a foreseeable one.
        if (4L * count > 3L * before)
            throw new SummaryException($"summary: each level must have at most three quarters of the pieces below, but level {level} has {count} after {before}; "
                + $"take fewer tokens for a summary than {generation.MaximumTokens}, or more for a piece");
        if (level == options.MaximumLevels && count > 1)
            throw new SummaryException($"summary: the last level, {level}, must have one piece, but it has {count}; take fewer tokens for a summary than "
                + $"{generation.MaximumTokens}, or more levels");
    }
}
