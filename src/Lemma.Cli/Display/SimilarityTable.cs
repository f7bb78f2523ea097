using System.Globalization;
using Lemma.Language;

namespace Lemma.Cli.Display;

/// <summary>The cosines of vectors, a line a text.</summary>
internal static class SimilarityTable
{
    private const int TextWidth = 60;

    public static void Write(TextWriter output, IReadOnlyList<string> texts, float[][] vectors)
    {
        int number = $"{texts.Count}".Length, cell = Math.Max(6, number + 2);
        output.WriteLine(new string(' ', number) + string.Concat(Enumerable.Range(1, texts.Count).Select(column => $"{column}".PadLeft(cell))));
        for (int row = 0; row < texts.Count; row++)
        {
            IEnumerable<string> cosines = vectors.Select(other =>
                EmbeddingModel.Similarity(vectors[row], other).ToString("0.00", CultureInfo.InvariantCulture).PadLeft(cell));
            output.WriteLine($"{row + 1}".PadLeft(number) + string.Concat(cosines) + "  " + TokenLabel.Of(texts[row], TextWidth, keepsSpaces: true).TrimEnd());
        }
    }
}
