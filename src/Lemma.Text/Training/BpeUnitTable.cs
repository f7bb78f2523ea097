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
        Pieces.AddRange(options.AllSpecialTokens);
        if (options.Units == BpeUnits.CharactersOrBytes)
            Pieces.AddRange(Enumerable.Range(0, 256).Select(static value => ByteFallbackDecoder.PieceOf((byte)value)));
        Rune[] units = spellsBytes ? [.. ByteAlphabet.Sorted().Select(static c => new Rune(c))]
            : WordCounts.CommonCharacters(words, options.AlphabetSize);
        HashSet<string> taken = [.. Pieces];
        foreach (Rune unit in units)
            if (taken.Add(unit.ToString()))
            {
                idOfUnit[unit.Value] = Pieces.Count;
                Pieces.Add(unit.ToString());
            }
        if (Pieces.Count > options.VocabularySize)
            throw new ArgumentException($"train: the vocabulary must hold {Pieces.Count - units.Length} special tokens and bytes and "
                + $"{units.Length} characters, but its size is {options.VocabularySize}: limit the alphabet");
    }

    /// <summary>Special tokens, bytes, characters; the index is the id.</summary>
    public List<string> Pieces { get; } = [];

    /// <summary>The words as rows of ids; a character outside the alphabet parts a word, since no merge goes over it.</summary>
    public PairIndex Spell()
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
        return new PairIndex([.. rows], [.. counts]);
    }
}
