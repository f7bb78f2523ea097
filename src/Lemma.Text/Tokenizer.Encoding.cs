using System.Text;
using Lemma.Text.Splitting;

namespace Lemma.Text;

public sealed partial class Tokenizer
{
    /// <summary>The ids of a text.</summary>
    /// <param name="text">Any text; added tokens in it become their ids.</param>
    /// <param name="addSpecialTokens">Whether the post-processor puts special tokens around the ids.</param>
    /// <exception cref="ArgumentException">The vocabulary has no piece for a character, and no unknown piece.</exception>
    public int[] Encode(string text, bool addSpecialTokens = true)
    {
        List<int> ids = new(text.Length / 3 + 8);
        Encode(text, ids, addSpecialTokens);
        return [.. ids];
    }

    /// <summary>Appends the ids of a text to a list, which the caller may use again and again.</summary>
    /// <param name="text">Any text; added tokens in it become their ids.</param>
    /// <param name="ids">Where the ids are appended; unchanged after an error.</param>
    /// <param name="addSpecialTokens">Whether the post-processor puts special tokens around the ids.</param>
    /// <exception cref="ArgumentException">The vocabulary has no piece for a character, and no unknown piece.</exception>
    public void Encode(ReadOnlySpan<char> text, List<int> ids, bool addSpecialTokens = true)
    {
        int first = ids.Count;
        SplitBuffer buffer = Interlocked.Exchange(ref spareBuffer, null) ?? new SplitBuffer();
        try
        {
            EncodeRaw(text, ids, buffer);
        }
        catch (ArgumentException)
        {
            ids.RemoveRange(first, ids.Count - first);
            throw;
        }
        finally
        {
            spareBuffer = buffer;
        }
        if (addSpecialTokens)
            PostProcessor?.Process(ids, first);
    }

    /// <summary>Finds the added tokens of the text as given; the text between them goes on.</summary>
    private void EncodeRaw(ReadOnlySpan<char> text, List<int> ids, SplitBuffer buffer)
    {
        for (int at = 0; at < text.Length;)
        {
            AddedToken? token = rawFinder.Next(text, at, out int start, out int end);
            if (start > at)
                EncodeNormalized(text[at..start], at, ids, buffer);
            if (token is not null)
                ids.Add(token.Id);
            at = end;
        }
    }

    /// <summary>Normalizes, finds the added tokens of the normalized text; the text between them goes on.</summary>
    private void EncodeNormalized(ReadOnlySpan<char> text, int origin, List<int> ids, SplitBuffer buffer)
    {
        if (Normalizer is not null)
            text = Normalizer.Normalize(Unicode.WellFormed(text));
        for (int at = 0; at < text.Length;)
        {
            AddedToken? token = normalizedFinder.Next(text, at, out int start, out int end);
            if (start > at)
                EncodePieces(text[at..start], origin + at, ids, buffer);
            if (token is not null)
                ids.Add(token.Id);
            at = end;
        }
    }

    private void EncodePieces(ReadOnlySpan<char> text, int origin, List<int> ids, SplitBuffer buffer)
    {
        buffer.Fill(text);
        Splitter?.Split(buffer);
        for (int i = 0; i < buffer.Count; i++)
        {
            ReadOnlySpan<char> piece = buffer[i];
            int unknown = Model.Encode(piece, ids);
            if (unknown < 0)
                continue;
            Rune rune = Unicode.RuneAt(piece, unknown);
            string place = Normalizer is null && Splitter is null ? "" : " of the normalized text";
            throw new ArgumentException($"encode: the vocabulary of {VocabularySize} has no piece for {Unicode.Describe(rune)}, "
                + $"at index {origin + buffer.OriginOf(i) + unknown}{place}");
        }
    }
}
