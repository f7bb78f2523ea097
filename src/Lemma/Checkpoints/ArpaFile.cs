using System.Globalization;
using System.Text;
using Lemma.Formats;
using Lemma.Models;

namespace Lemma.Checkpoints;

/// <summary>A model of an ARPA file with the words that its ids stand for.</summary>
/// <param name="Model">The model; its ids are the places of the file's words.</param>
/// <param name="Words">The word of each id, marks included.</param>
/// <param name="UnknownId">The id of &lt;unk&gt;, which stands for every other word; null where the file has none.</param>
public sealed record ArpaModel(NGramModel Model, IReadOnlyList<string> Words, int? UnknownId);

/// <summary>ARPA files: back-off models as text, which KenLM, SRILM and others read and write.</summary>
/// <remarks>
/// A line an n-gram: log₁₀ p, its words, log₁₀ of the factor of what does not follow. &lt;s&gt; stands for the begin mark, &lt;/s&gt; for the end mark, also
/// where one id is both. Numbers have a point whatever the culture, and ten digits.
/// </remarks>
public static class ArpaFile
{
    internal const string Begin = "<s>", End = "</s>", Unknown = "<unk>";

    // What readers take for log₁₀ 0.
    private const double LogOfNothing = -99;

    /// <summary>A word for any text, as a piece of a tokenizer: white space, control characters and what would be a mark are written \uXXXX, \ as \\.</summary>
    public static string WordOf(string piece)
    {
        ArgumentNullException.ThrowIfNull(piece);
        StringBuilder word = new();
        for (int i = 0; i < piece.Length; i++)
        {
            if (piece[i] == '\\')
                word.Append("\\\\");
            else if (char.IsWhiteSpace(piece[i]) || char.IsControl(piece[i]) || char.IsSurrogate(piece[i]) || (i == 0 && piece is Begin or End or Unknown))
                word.Append(CultureInfo.InvariantCulture, $"\\u{(int)piece[i]:x4}");
            else
                word.Append(piece[i]);
        }
        return word.ToString();
    }

    /// <summary>Writes a model, so that the name holds the old file or the new one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">The model.</param>
    /// <param name="words">
    /// The word of each id: not empty, without white space, each another, none of them &lt;s&gt; or &lt;/s&gt; but those of the marks, which are written so.
    /// </param>
    /// <exception cref="ArgumentException">A word breaks the rule, or the model backs off to nothing lower.</exception>
    public static void Write(string path, NGramModel model, IReadOnlyList<string> words)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(words);
        Require.That(!model.BacksOffToUniform, $"arpa: a model of add-k backs off to no lower order, which the form cannot say");
        Require.That(words.Count == model.VocabularySize, $"arpa: {words.Count} words do not fit {model.VocabularySize} ids");
        HashSet<string> seen = [];
        for (int id = 0; id < words.Count; id++)
        {
            string word = words[id];
            Require.That(word.Length > 0 && !word.Any(char.IsWhiteSpace),
                $"arpa: a word must not be empty and have no white space, but that of id {id} is '{word}'");
            Require.That(id == model.Marks.Begin || id == model.Marks.End || (word is not (Begin or End) && seen.Add(word)),
                $"arpa: words must be distinct and no marks, but that of id {id} is '{word}'");
        }
        AtomicFile.Write(path, stream =>
        {
            using StreamWriter writer = new(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
            new ArpaWriter(writer, model, words).Write();
        });
    }

    /// <summary>Reads a file by its own words.</summary>
    /// <exception cref="InvalidDataException">The file is none, or not whole; the message names the line.</exception>
    public static ArpaModel Read(string path) => new ArpaReader(path).Read();

    /// <summary>Reads a file by the ids of a vocabulary.</summary>
    /// <param name="path">The file.</param>
    /// <param name="words">The word of each id, as for <see cref="Write"/>; words that the file lacks share what it has for &lt;unk&gt;.</param>
    /// <param name="marks">The ids of &lt;s&gt; and &lt;/s&gt;.</param>
    /// <exception cref="InvalidDataException">The file is none, not whole, or has other words; the message names the line.</exception>
    public static NGramModel Read(string path, IReadOnlyList<string> words, NGramMarks marks)
    {
        ArgumentNullException.ThrowIfNull(words);
        marks.Validate(words.Count);
        return new ArpaReader(path, words, marks).Read().Model;
    }

    internal static double Log(double p) => p == 0 ? LogOfNothing : Math.Log10(p);
}
