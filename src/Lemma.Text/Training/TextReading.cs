using System.Runtime.ExceptionServices;
using Lemma.Text.Splitting;

namespace Lemma.Text.Training;

/// <summary>A part of a text without special tokens.</summary>
internal delegate void TextPart(ReadOnlySpan<char> part, bool startsText);

/// <summary>Reads the texts of a trainer once, on several threads, each with counts of its own until all are added.</summary>
internal static class TextReading
{
    private const int PartLength = 1 << 16, TellEvery = 1 << 20;

    /// <summary>Whether the parts of a text between spaces go through the stages each by itself.</summary>
    public static bool IsLocal(TrainerOptions options, Splitter? splitter) =>
        splitter?.CutsAtSpaces == true && options.Normalizer?.IsLocal != false
            && !options.AllSpecialTokens.Any(static token => token.Contains(' ', StringComparison.Ordinal));

    /// <summary>Reads all texts.</summary>
    /// <param name="texts">The texts, which are read once, one at a time.</param>
    /// <param name="isLocal">Whether a long text may be cut before a space that stands behind another character.</param>
    /// <param name="threads">The most threads; null for all processors.</param>
    /// <param name="progress">Told the characters that are read.</param>
    /// <param name="create">Makes the counts of a thread.</param>
    /// <param name="read">Adds a text to the counts of a thread.</param>
    /// <param name="add">Adds the counts of a thread to all; never called by two threads at once.</param>
    /// <param name="cancellation">Ends the reading with an <see cref="OperationCanceledException"/>.</param>
    public static void Run<T>(
        IEnumerable<string> texts, bool isLocal, int? threads, IProgress<TrainerProgress>? progress,
        Func<T> create, Action<T, ReadOnlyMemory<char>> read, Action<T> add, CancellationToken cancellation)
    {
        ParallelOptions options = new() { MaxDegreeOfParallelism = threads ?? Environment.ProcessorCount, CancellationToken = cancellation };
        Lock adding = new();
        try
        {
            Parallel.ForEach(Told(isLocal ? texts.SelectMany(PartsOf) : texts.Select(static text => text.AsMemory()), progress), options, create,
                (text, _, own) =>
                {
                    read(own, text);
                    return own;
                },
                own =>
                {
                    lock (adding)
                        add(own);
                });
        }
        catch (AggregateException error)
        {
            ExceptionDispatchInfo.Throw(error.InnerExceptions[0]);
        }
    }

    /// <summary>Reads what stands between special tokens, which teach nothing: a tokenizer finds them before its model sees them.</summary>
    public static void Between(AddedTokenFinder tokens, ReadOnlySpan<char> text, TextPart read)
    {
        for (int at = 0, end; at < text.Length; at = end)
        {
            tokens.Next(text, at, out int start, out end);
            if (start > at)
                read(text[at..start], startsText: at == 0);
        }
    }

    private static IEnumerable<ReadOnlyMemory<char>> Told(IEnumerable<ReadOnlyMemory<char>> parts, IProgress<TrainerProgress>? progress)
    {
        long read = 0, told = 0;
        foreach (ReadOnlyMemory<char> part in parts)
        {
            yield return part;
            if ((read += part.Length) - told < TellEvery)
                continue;
            told = read;
            progress?.Report(TrainerProgress.OfReading(read));
        }
    }

    private static IEnumerable<ReadOnlyMemory<char>> PartsOf(string text)
    {
        for (int at = 0; at < text.Length;)
        {
            int end = Math.Min(text.Length, at + PartLength);
            while (end < text.Length && (text[end] != ' ' || char.IsWhiteSpace(text[end - 1])))
                end++;
            yield return text.AsMemory(at, end - at);
            at = end;
        }
    }
}
