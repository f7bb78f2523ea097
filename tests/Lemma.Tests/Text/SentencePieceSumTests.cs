using Lemma.Text;

namespace Lemma.Tests.Text;

/// <summary>SentencePiece's sums are rounded to float32 at each piece, which decides between ways of the same probability.</summary>
public sealed class SentencePieceSumTests
{
    /// <summary>Where SentencePiece 0.2.2 cuts ``` into `` and `, behind so many letters; elsewhere into ` and ``. Sums in double are exact here
    /// and equal, so they would always cut as at the start of a text.</summary>
    [Fact]
    public void Equal_sums_are_decided_by_their_rounding()
    {
        using TemporaryFolder folder = new();
        Tokenizer tokenizer = Tokenizer.Load(folder.Write("a.model", VocabularyFiles.SentencePiece(
            [new("<unk>", 0, 2), new("\u2581", -4, 1), new("a", -2.39f, 1), new("`", -8.09f, 1), new("``", -5.98f, 1)], isBpe: false, removesSpaces: false)));
        List<int> longFirst = [];
        for (int letters = 0; letters < 300; letters++)
        {
            int[] end = tokenizer.Encode(new string('a', letters) + "```", addSpecialTokens: false)[^2..];
            if (end.AsSpan().SequenceEqual([4, 3]))
                longFirst.Add(letters);
            else
                Assert.Equal([3, 4], end);
        }
        Assert.Equal([.. Enumerable.Range(22, 24), 104], longFirst);
    }
}
