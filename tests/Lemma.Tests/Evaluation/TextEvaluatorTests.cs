using Lemma.Compute;
using Lemma.Evaluation;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Training;

namespace Lemma.Tests.Evaluation;

/// <summary>A model that knows nothing needs log₂ of its vocabulary for a token: the bits a byte follow, whatever the texts.</summary>
public class TextEvaluatorTests
{
    private static readonly Tokenizer Bytes = ByteLevelTokenizer();

    [Theory]
    [InlineData(true, "a"), InlineData(true, "hi"), InlineData(true, "ab", "ab", "ab", "ab", "ab", "ab", "ab", "ab", "ab", "ab")]
    [InlineData(true, "", "naïve 🎉"), InlineData(false, "hi"), InlineData(false, "a", "ab", "some longer text than a window")]
    public void AUniformModelHasTheBitsOfItsVocabulary(bool hasEnd, params string[] texts)
    {
        using Workers workers = new(1);
        // With weights of zero every logit is zero.
        using Decoder decoder = new(Presets.Llama(257, width: 16, layers: 1, heads: 2, hidden: 32, length: 16) with { EndId = hasEnd ? 256 : null });
        TextResult result = TextEvaluator.Evaluate(decoder, Bytes, workers, texts, 16, 8);
        Assert.Equal(Math.Log2(257), result.BitsPerByte, 1e-4);
        Assert.Equal(8.006, result.BitsPerByte, 1e-3);
        Assert.Equal(result.Tokens, result.Bytes);
    }

    [Fact]
    public void ATextBeginsWithTheBeginIdAndNothingIsAddedBehind()
    {
        using Workers workers = new(1);
        using Decoder decoder = new(Presets.Llama(258, width: 16, layers: 1, heads: 2, hidden: 32, length: 16) with { BeginId = 257, EndId = 256 });
        decoder.Initialize(3);
        int[] ids = [257, .. Bytes.Encode("abc", addSpecialTokens: false)];
        PerplexityResult expected = PerplexityEvaluator.Evaluate(decoder, workers, ids, 16, 16);
        TextResult result = TextEvaluator.Evaluate(decoder, Bytes, workers, ["abc"], 16, 16);
        Assert.Equal((3, expected.TotalNats, 3), (result.Tokens, result.TotalNats, result.Bytes));
    }

    [Fact]
    public void TextsWithoutATokenToPredictAreAnError()
    {
        using Workers workers = new(1);
        using Decoder decoder = new(Presets.Llama(257, width: 16, layers: 1, heads: 2, hidden: 32, length: 16));
        Assert.Contains("2 texts have none", Assert.Throws<ArgumentException>(() =>
            TextEvaluator.Evaluate(decoder, Bytes, workers, ["", "a"], 16, 8)).Message, StringComparison.Ordinal);
    }

    private static Tokenizer ByteLevelTokenizer() =>
        BpeTrainer.Train([""], new BpeTrainerOptions { VocabularySize = 257 });
}
