using Lemma.Text;
using Lemma.Text.Models;

namespace Lemma.Tests.Text;

/// <summary>SentencePiece's sums are rounded to float32 at each piece, which decides between ways of the same probability.</summary>
public sealed class SentencePieceSumTests
{
    /// <summary>Where SentencePiece 0.2.2 cuts ``` into `` and `, behind so many letters; elsewhere into ` and ``. Sums in double
    /// are exact here and equal, so they always cut as at the start of a text.</summary>
    [Fact]
    public void Equal_sums_are_decided_by_their_rounding()
    {
        VocabularyFiles.Piece[] pieces =
            [new("<unk>", 0, 2), new("\u2581", -4, 1), new("a", -2.39f, 1), new("`", -8.09f, 1), new("``", -5.98f, 1)];
        using TemporaryFolder folder = new();
        string file = folder.Write("a.model", VocabularyFiles.SentencePiece(pieces, isBpe: false, removesSpaces: false));
        Tokenizer tokenizer = Tokenizer.Load(file);
        UnigramModel exact = new([.. pieces.Select(static piece => (piece.Text, (double)piece.Score))], unknownId: 0);
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
}
