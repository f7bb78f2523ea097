using Lemma.Compute;
using Lemma.Models;
using Lemma.Text;

namespace Lemma.Evaluation.Tasks;

/// <summary>Bits a byte of the pieces of texts, so that two models can be compared on them whatever their tokenizers.</summary>
public static class TextScore
{
    /// <summary>The characters of a piece where nothing else is said.</summary>
    public const int PieceLength = 1000;

    /// <summary>Cuts texts behind the first line feed after so many characters; what is left of a text is a part of its last piece.</summary>
    /// <param name="texts">The texts; those of white space alone have no piece.</param>
    /// <param name="length">The fewest characters of a piece, unless its text is shorter.</param>
    public static IReadOnlyList<string> Pieces(IEnumerable<string> texts, int length = PieceLength)
    {
        ArgumentNullException.ThrowIfNull(texts);
        Require.That(length > 0, $"pieces: they must have at least one character, but they have {length}");
        List<string> pieces = [];
        foreach (string text in texts.Where(text => !string.IsNullOrWhiteSpace(text)))
        {
            for (int start = 0, end; start < text.Length; start = end)
            {
                int feed = start + length <= text.Length ? text.IndexOf('\n', start + length - 1) : -1;
                end = feed < 0 || text.Length - feed - 1 < length ? text.Length : feed + 1;
                pieces.Add(text[start..end]);
            }
        }
        return pieces;
    }

    /// <summary>The score of each piece on its own (<see cref="TextEvaluator"/>); the whole is that of all their bits and bytes.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="workers">Who does the work.</param>
    /// <param name="pieces">The pieces; each must have a token to predict.</param>
    /// <param name="length">Tokens of a window.</param>
    /// <param name="stride">How far it moves.</param>
    /// <param name="progress">Told the share that is done, in 0 to 1.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public static TaskScore Evaluate(Decoder decoder, Tokenizer tokenizer, Workers workers, IReadOnlyList<string> pieces, int length, int stride,
        IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(pieces);
        (double[] bits, double[] bytes) = (new double[pieces.Count], new double[pieces.Count]);
        for (int i = 0; i < pieces.Count; i++)
        {
            TextResult result = TextEvaluator.Evaluate(decoder, tokenizer, workers, [pieces[i]], length, stride, cancellation: cancellation);
            (bits[i], bytes[i]) = (result.TotalNats / Math.Log(2), result.Bytes);
            progress?.Report((i + 1.0) / pieces.Count);
        }
        return new("bits a byte", bits, bytes, IsHigherBetter: false);
    }
}
