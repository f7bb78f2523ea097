using System.Text;
using Lemma.Text.Decoding;
using Lemma.Text.Splitting;

namespace Lemma.Text.Training;

/// <summary>The pieces that a BPE vocabulary starts with, and the words spelled in them.</summary>
internal sealed class BpeUnitTable
{
    private readonly KeyValuePair<string, long>[] words;
    private readonly Dictionary<int, int> idOfUnit = [];
    private readonly bool spellsBytes;

    /// <summary>The table of words and their counts.</summary>
    /// <exception cref="ArgumentException">The vocabulary is too small for the characters.</exception>
    public BpeUnitTable(KeyValuePair<string, long>[] words, BpeTrainerOptions options)
    {
        (this.words, spellsBytes) = (words, options.Units == BpeUnits.Bytes);
        foreach (string token in options.AllSpecialTokens)
            Pieces.IdOf(token, 0);
        if (options.Units == BpeUnits.CharactersOrBytes)
            for (int value = 0; value < 256; value++)
                Pieces.IdOf(ByteFallbackDecoder.PieceOf((byte)value), 0);
        Rune[] units = spellsBytes ? [.. ByteAlphabet.Sorted().Select(static c => new Rune(c))]
            : WordCounts.CommonCharacters(words, options.AlphabetSize);
        foreach (Rune unit in units)
            if (Pieces.TryAdd(unit.ToString(), 1))
                idOfUnit[unit.Value] = Pieces.Count - 1;
        if (Pieces.Count > options.VocabularySize)
            throw new ArgumentException($"train: the vocabulary must hold {Pieces.Count - units.Length} special tokens and bytes and "
                + $"{units.Length} characters, but its size is {options.VocabularySize}: limit the alphabet");
    }

    /// <summary>Special tokens, bytes, characters.</summary>
    public PieceList Pieces { get; } = new();

    /// <summary>The words as rows of ids; a character outside the alphabet parts a word, since no merge goes over it.</summary>
    public PairTable Spell()
    {
        List<int[]> rows = new(words.Length);
        List<long> counts = new(words.Length);
        List<int> row = [];
        char[] spelling = [];
        void Take(long count)
        {
            if (row.Count > 1)
            {
                rows.Add([.. row]);
                counts.Add(count);
            }
            row.Clear();
        }
        foreach ((string word, long count) in words)
        {
            ReadOnlySpan<char> spelled = word;
            if (spellsBytes)
            {
                if (spelling.Length < 3 * word.Length)
                    spelling = new char[6 * word.Length];
                spelled = spelling.AsSpan(0, ByteAlphabet.Spell(word, spelling));
            }
            foreach (Rune rune in spelled.EnumerateRunes())
                if (idOfUnit.TryGetValue(rune.Value, out int id))
                    row.Add(id);
                else
                    Take(count);
            Take(count);
        }
        return new PairTable([.. rows], [.. counts]);
    }
}
