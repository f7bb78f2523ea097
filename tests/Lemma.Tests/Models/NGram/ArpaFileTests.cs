using System.Globalization;
using Lemma.Checkpoints;
using Lemma.Evaluation;
using Lemma.Formulas;
using Lemma.Models;

namespace Lemma.Tests.Models.NGram;

/// <summary>ARPA files: what is written is read again, KenLM's example scores as it does there, and broken files are refused.</summary>
public sealed class ArpaFileTests : IDisposable
{
    // Lines of kenlm's lm/test.arpa; "higher looking", which the last n-gram ends in, has none.
    private const string KenLm = """
        \data\
        ngram 1=8
        ngram 2=2
        ngram 3=1
        ngram 4=1
        ngram 5=1

        \1-grams:
        -1.029493	</s>
        -99	<s>	-0.4149733
        -1.995635	<unk>	-20
        -1.687872	also	-0.30103
        -1.687872	consider	-0.30103
        -1.509559	higher	-0.30103
        -1.285941	looking	-0.4771212
        -1.687872	would	-0.30103

        \2-grams:
        -0.4846522	<s> looking	-0.4771214
        -2	also would	-6

        \3-grams:
        -3	also would consider	-7

        \4-grams:
        -4	also would consider higher	-8

        \5-grams:
        -5	also would consider higher looking

        \end\
        """;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AFileOfKenLmScoresAsItDoesThere()
    {
        ArpaModel file = ArpaFile.Read(folder.Write("test.arpa", KenLm));
        int Id(string word) => file.Words.ToList().IndexOf(word) is >= 0 and int id ? id : file.UnknownId!.Value;
        double Log(string context, string word) => Math.Log10(file.Model.Probability([.. context.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Id)], Id(word)));
        // Starters and Blanks of lm/model_test.cc.
        Assert.Equal(-0.4846522, Log("<s>", "looking"), 1e-6);
        Assert.Equal(-1.995635 - 0.4149733, Log("<s>", "this_is_not_found"), 1e-6);
        Assert.Equal(-1.687872, Log("", "also"), 1e-6);
        Assert.Equal(-2, Log("also", "would"), 1e-6);
        Assert.Equal(-3, Log("also would", "consider"), 1e-6);
        Assert.Equal(-4, Log("also would consider", "higher"), 1e-6);
        Assert.Equal(-5, Log("also would consider higher", "looking"), 1e-6);
        Assert.Equal(-1.995635 - 7.0 - 0.30103, Log("also would consider", "not_found"), 1e-6);
        Assert.Equal(-1.285941 - 0.30103, Log("higher", "looking"), 1e-6);
        Assert.Equal(-1.995635 - 0.4771212, Log("higher looking", "not_found"), 1e-6);
        Assert.Equal(-1.687872 - 0.4771212, Log("higher looking", "consider"), 1e-6);
        Assert.Equal(-1.509559 - 0.30103, Log("would consider", "higher"), 1e-6);
        Assert.Equal(-1.285941 - 0.30103, Log("would consider higher", "looking"), 1e-6);
        Assert.Equal((new NGramMarks(1, 0), 5), (file.Model.Marks, file.Model.Order));
    }

    [Theory]
    [InlineData(9, 10, 3), InlineData(10, 10, 3), InlineData(null, null, 2), InlineData(10, 10, 1), InlineData(null, 10, 5)]
    public void WhatIsWrittenIsReadAgain(int? begin, int? end, int order)
    {
        string[] words = ["a", "b", ArpaFile.WordOf(" "), ArpaFile.WordOf("\n"), ArpaFile.WordOf("<s>"), "ü", ArpaFile.WordOf("\\"), "<0x0A>", "é\u0301", "nine", "ten"];
        Assert.Equal(["\\u0020", "\\u000a", "\\u003cs>", "\\\\"], [words[2], words[3], words[4], words[6]]);
        ReadOnlyMemory<int>[] documents = [.. Enumerable.Range(0, 30).Select(i => (ReadOnlyMemory<int>)
            Enumerable.Range(0, 1 + i % 7).Select(j => (int)new Philox(3, (ulong)i).UInt64((ulong)j) & 7).ToArray())];
        NGramModel model = NGramModel.Estimate(NGramCounts.Count(documents, order, 11, new(begin, end)), new KneserNeySmoothing());
        CultureInfo culture = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("") { NumberFormat = { NumberDecimalSeparator = "," } };
            ArpaFile.Write(folder["model.arpa"], model, words);
            NGramModel read = ArpaFile.Read(folder["model.arpa"], words, new(begin, end));
            Assert.Equal(NGramEvaluator.Evaluate(model, documents).TotalNats, NGramEvaluator.Evaluate(read, documents).TotalNats, 1e-6);
            for (int k = 1; k <= order; k++)
                Assert.Equal(model.Count(k), read.Count(k));
            ArpaFile.Write(folder["again.arpa"], read, words);
            Assert.Equal(File.ReadAllLines(folder["model.arpa"]).Length, File.ReadAllLines(folder["again.arpa"]).Length);
            ArpaModel own = ArpaFile.Read(folder["model.arpa"]);
            (int, int) marks = (own.Words.ToList().IndexOf("<s>"), own.Words.ToList().IndexOf("</s>"));
            Assert.Equal((begin is null ? -1 : marks.Item1, end is null ? -1 : marks.Item2), (own.Model.Marks.Begin ?? -1, own.Model.Marks.End ?? -1));
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    [Fact]
    public void AnotherFilesWordsAreThoseOfTheVocabulary()
    {
        string path = folder.Write("test.arpa", KenLm);
        NGramModel model = ArpaFile.Read(path, ["also", "consider", "higher", "looking", "would", "new", "other", "end"], NGramMarks.Same(7));
        Assert.Equal(Math.Pow(10, -1.995635) / 2, model.Probability([], 5), 1e-12);
        Assert.Equal(Math.Pow(10, -0.4846522), model.Probability(model.Begin, 3), 1e-12);
        Assert.Equal(Math.Pow(10, -1.029493), model.Probability([], 7), 1e-12);
        Assert.Contains("line 12: the word 'also' is not in the vocabulary", Broken(() => ArpaFile.Read(path, ["consider"], new(0, 0))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\\data\\", "data", "has no line '\\data\\'")]
    [InlineData("ngram 2=2", "ngram 3=2", "line 3: 'ngram 2=' and a number must stand here")]
    [InlineData("ngram 1=8", "ngram 1=800000000000", "the head says 800000000000 1-grams, but there are 8")]
    [InlineData("ngram 1=8", "ngram 1=99999999999999999999", "line 2: 'ngram 1=' and a number must stand here")]
    [InlineData("-2\talso would\t-6", "-2\talso would -6 7", "line 20: a number, 2 words and maybe a number are needed, but there are 5 fields")]
    [InlineData("-2\talso would\t-6", "2\talso would\t-6", "line 20: a log-probability must not be above 0, but it is 2")]
    [InlineData("-2\talso would\t-6", "nan\talso would\t-6", "line 20: a number from -1000 to 1000 is needed, but 'nan' was found")]
    [InlineData("-2\talso would\t-6", "-2\talso wood\t-6", "line 20: the word 'wood' has no 1-gram")]
    [InlineData("-2\talso would\t-6", "-2\t<s> looking\t-6", "'<s> looking' has two lines")]
    [InlineData("-2\talso would\t-6", "-2\talso also\t-6", "'also would consider' goes on from an n-gram that is not there")]
    [InlineData("\twould\t", "\talso\t", "the word 'also' has a line already")]
    [InlineData("\\3-grams:", "\\4-grams:", "'\\3-grams:' must stand here")]
    [InlineData("\\end\\", "", "'\\end\\' must stand here")]
    public void BrokenFilesAreRefused(string from, string to, string sentence)
    {
        string path = folder.Write("broken.arpa", KenLm.Replace(from, to, StringComparison.Ordinal));
        Assert.Contains(sentence, Broken(() => ArpaFile.Read(path)), StringComparison.Ordinal);
    }

    [Fact]
    public void FilesChangedAtRandomAreReadOrRefused()
    {
        byte[] good = System.Text.Encoding.UTF8.GetBytes(KenLm);
        for (int i = 0; i < 400; i++)
        {
            Philox random = new(1, (ulong)i);
            byte[] bad = [.. good];
            for (int change = 0; change <= i % 4; change++)
                bad[random.Below(bad.Length, (ulong)change)] = (byte)random.Below(256, 10 + (ulong)change);
            try
            {
                ArpaFile.Read(folder.Write("changed.arpa", bad[..(i % 3 == 0 ? random.Below(bad.Length, 99) : bad.Length)]));
            }
            catch (InvalidDataException)
            {
            }
        }
    }

    [Fact]
    public void WhatAFileCannotSayIsRefused()
    {
        NGramCounts counts = NGramCounts.Count([new int[] { 0, 1 }], 2, 2, default);
        string Wrong(NGramSmoothing smoothing, params string[] words) =>
            Assert.Throws<ArgumentException>(() => ArpaFile.Write(folder["x"], NGramModel.Estimate(counts, smoothing), words)).Message;
        Assert.Contains("add-k backs off to no lower order", Wrong(new AddKSmoothing(), "a", "b"), StringComparison.Ordinal);
        Assert.Contains("3 words do not fit 2 ids", Wrong(new KatzSmoothing(), "a", "b", "c"), StringComparison.Ordinal);
        Assert.Contains("that of id 1 is 'b c'", Wrong(new KatzSmoothing(), "a", "b c"), StringComparison.Ordinal);
        Assert.Contains("that of id 1 is 'a'", Wrong(new KatzSmoothing(), "a", "a"), StringComparison.Ordinal);
        Assert.Contains("that of id 1 is '<s>'", Wrong(new KatzSmoothing(), "a", "<s>"), StringComparison.Ordinal);
        Assert.False(File.Exists(folder["x"]));
    }

    private static string Broken(Action read) => Assert.Throws<InvalidDataException>(read).Message;
}
