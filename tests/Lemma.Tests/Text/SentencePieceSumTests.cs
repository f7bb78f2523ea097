using Lemma.Text;
using Lemma.Text.Models;

namespace Lemma.Tests.Text;

/// <summary>SentencePiece's sums are rounded to float32 at each piece, which decides between ways of the same probability.</summary>
public sealed class SentencePieceSumTests
{
    private static readonly VocabularyFiles.Piece[] Pieces =
        [new("<unk>", 0, 2), new("\u2581", -4, 1), new("a", -2.39f, 1), new("`", -8.09f, 1), new("``", -5.98f, 1)];

    /// <summary>Where SentencePiece 0.2.2 cuts ``` into `` and `, behind so many letters; elsewhere into ` and ``. Sums in double
    /// are exact here and equal, so they always cut as at the start of a text.</summary>
    [Fact]
    public void Equal_sums_are_decided_by_their_rounding()
    {
        Tokenizer tokenizer = Load();
        UnigramModel exact = new([.. Pieces.Select(static piece => (piece.Text, (double)piece.Score))], unknownId: 0);
        List<int> longFirst = [];
        for (int letters = 0; letters < 300; letters++)
        {
            string text = new string('a', letters) + "```";
            int[] end = tokenizer.Encode(text, addSpecialTokens: false)[^2..];
            if (end.AsSpan().SequenceEqual([4, 3]))
                longFirst.Add(letters);
            else
                Assert.Equal([3, 4], end);
            List<int> inDouble = [];
            Assert.Equal(-1, exact.Encode(text, inDouble));
            Assert.Equal([3, 4], inDouble[^2..]);
        }
        Assert.Equal([.. Enumerable.Range(22, 24), 104], longFirst);
    }

    /// <summary>Where SentencePiece 0.2.2 does so behind letters whose sum goes beyond 100,000, and behind twice as many.</summary>
    [Fact]
    public void A_sum_beyond_100000_begins_anew()
    {
        Tokenizer tokenizer = Load();
        int[] LongFirst(int first, int end) => [.. Enumerable.Range(first, end - first)
            .Where(letters => tokenizer.Encode(new string('a', letters) + "```", addSpecialTokens: false)[^2..] is [4, 3])];
        Assert.Equal([.. Enumerable.Range(41828, 3), 41832, .. Enumerable.Range(41855, 24), 41935, 41937], LongFirst(41800, 42000));
        Assert.Equal([.. Enumerable.Range(83660, 4), 83665, .. Enumerable.Range(83688, 24), 83768, 83770], LongFirst(83650, 83780));
    }

    private static Tokenizer Load()
    {
        using TemporaryFolder folder = new();
        return Tokenizer.Load(folder.Write("a.model", VocabularyFiles.SentencePiece(Pieces, isBpe: false, removesSpaces: false)));
    }
}
