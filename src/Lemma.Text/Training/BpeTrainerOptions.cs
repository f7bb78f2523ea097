namespace Lemma.Text.Training;

/// <summary>What a word consists of before its pairs merge.</summary>
public enum BpeUnits
{
    /// <summary>The bytes of its UTF-8 form, in GPT-2's alphabet and GPT-2's words: no text is unknown.</summary>
    Bytes,

    /// <summary>Its characters (Unicode scalars); others than those learned are unknown.</summary>
    Characters,

    /// <summary>Its characters; others than those learned become pieces &lt;0x00&gt; to &lt;0xFF&gt; of their bytes, as in Llama.</summary>
    CharactersOrBytes,
}

/// <summary>What a BPE vocabulary is trained to.</summary>
public sealed record BpeTrainerOptions
{
    /// <summary>The number of pieces, special tokens and first units included; fewer when the text has no more pairs.</summary>
    public int VocabularySize { get; init; } = 4096;

    /// <summary>What words consist of before pairs merge.</summary>
    public BpeUnits Units { get; init; }

    /// <summary>The least number of times that a pair must occur to be merged; at least 1.</summary>
    public long MinimumFrequency { get; init; } = 2;

    /// <summary>The most distinct characters, the most frequent first, of equals those of the lowest code points; null for all. Bytes have
    /// no such limit.</summary>
    public int? AlphabetSize { get; init; }

    /// <summary>The most units (bytes or characters) of a piece; null for any.</summary>
    public int? LongestPiece { get; init; }

    /// <summary>The piece of unknown characters; the first special token where it is none of those given. Only for
    /// <see cref="BpeUnits.Characters"/>.</summary>
    public string UnknownPiece { get; init; } = "<unk>";

    /// <summary>Special tokens, which get the ids 0, 1, 2, ...; none is empty or occurs twice.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = ["<|endoftext|>"];

    /// <summary>The most threads that count words; null for all processors. The result does not depend on it.</summary>
    public int? Threads { get; init; }

    /// <summary>Checks the options against each other.</summary>
    /// <exception cref="ArgumentException">A rule is broken; the message says which, and the values.</exception>
    public void Validate()
    {
        int bytes = Units == BpeUnits.Characters ? 0 : 256, least = bytes + AllSpecialTokens.Count;
        if (VocabularySize < least)
            throw new ArgumentException(
                $"train: the vocabulary must hold {bytes} bytes and {AllSpecialTokens.Count} special tokens, but its size is {VocabularySize}");
        if (MinimumFrequency < 1)
            throw new ArgumentException($"train: the minimum frequency must be at least 1, but is {MinimumFrequency}");
        if (Units == BpeUnits.Bytes && AlphabetSize is not null)
            throw new ArgumentException($"train: the alphabet of bytes has no other size than 256, but {AlphabetSize} is asked for");
        if (AlphabetSize < 1 || LongestPiece < 1 || Threads < 1)
            throw new ArgumentException("train: the size of the alphabet, the longest piece and the threads must be at least 1");
        SpecialTokenList.Validate(AllSpecialTokens);
    }

    /// <summary>The special tokens with the unknown piece.</summary>
    internal IReadOnlyList<string> AllSpecialTokens =>
        Units != BpeUnits.Characters || SpecialTokens.Contains(UnknownPiece) ? SpecialTokens : [UnknownPiece, .. SpecialTokens];
}

/// <summary>The rule of a list of special tokens.</summary>
internal static class SpecialTokenList
{
    public static void Validate(IReadOnlyList<string> tokens)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string token in tokens)
            if (token.Length <= 1 || !seen.Add(token))
                throw new ArgumentException($"train: special tokens must differ and have two characters or more, but one is '{token}'");
    }

    /// <summary>The tokens with their ids from 0.</summary>
    public static AddedToken[] Number(IReadOnlyList<string> tokens) =>
        [.. tokens.Select(static (token, id) => new AddedToken(id, token))];
}
