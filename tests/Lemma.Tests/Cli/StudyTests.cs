using Lemma.Cli.Studies;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Modules;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Tests.Architecture;
using static Lemma.Tests.Cli.InProcess;

namespace Lemma.Tests.Cli;

/// <summary>The studies: what they draw and measure, that small ones find what they should, and that their pages are those of the tool.</summary>
[Collection("console")]
public sealed class StudyTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "docs", "studies");

    [Fact]
    public void WhoLivesWhereHoldsWithinASequenceAlone()
    {
        MappingTask task = new(Names: 5, Places: 7, Pairs: 20);
        (int[] ids, int[] targets) = task.Draw(new Philox(3), 40);
        HashSet<int> firstPlaces = [];
        int shown = 0;
        for (int sequence = 0; sequence < 40; sequence++)
        {
            Dictionary<int, int> places = [];
            for (int at = sequence * 40; at < (sequence + 1) * 40; at += 2)
            {
                Assert.InRange(ids[at], 0, 4);
                Assert.InRange(ids[at + 1], 5, 11);
                Assert.Equal((ids[at + 1], CrossEntropy.Ignore), (targets[at], targets[at + 1]));
                shown += at % 40 == 6 && places.ContainsKey(ids[at]) ? 1 : 0;
                Assert.Equal(places.TryGetValue(ids[at], out int known) ? known : ids[at + 1], ids[at + 1]);
                places[ids[at]] = ids[at + 1];
            }
            if (places.TryGetValue(0, out int first))
                firstPlaces.Add(first);
        }
        Assert.Equal(7, firstPlaces.Count);
        Assert.Equal(1 - 0.8 * 0.8 * 0.8, task.ShownBefore(3), 12);
        Assert.InRange(shown / 40.0, task.ShownBefore(3) - 0.25, task.ShownBefore(3) + 0.25);
        Assert.Equal((0.5 + 0.5 / 7, 0.5 * Math.Log(7)), task.Knowable(0.5));
    }

    [Fact]
    public void PromptsShowDifferentNames()
    {
        MappingTask task = new(Names: 6, Places: 4, Pairs: 1);
        (int[] ids, int[] answers, bool[] isShown) = task.Ask(new Philox(5), 300, examples: 3);
        for (int prompt = 0; prompt < 300; prompt++)
        {
            int[] line = ids[(prompt * 7)..(prompt * 7 + 7)];
            int[] names = [line[0], line[2], line[4]];
            Assert.Equal(3, names.Distinct().Count());
            Assert.Equal(names.Contains(line[6]), isShown[prompt]);
            if (isShown[prompt])
                Assert.Equal(line[2 * Array.IndexOf(names, line[6]) + 1], answers[prompt]);
            Assert.InRange(answers[prompt], 6, 9);
        }
        Assert.InRange(isShown.Count(one => one), 120, 180);
    }

    [Fact]
    public void MovesLeadWhereTheirKindsSay()
    {
        MoveTask task = new(new Philox(2));
        for (int kind = 0; kind < MoveTask.Kinds; kind++)
            Assert.Equal(Enumerable.Range(0, MoveTask.Places), Enumerable.Range(0, MoveTask.Places).Select(place => task.Behind(place, MoveTask.Places + kind)).Order());
        (int[] question, int[] way) = task.Draw(new Philox(9), 5);
        Assert.Equal((7, 5, MoveTask.Sign), (question.Length, way.Length, question[^1]));
        int place = question[0];
        for (int i = 0; i < 5; i++)
            Assert.Equal(place = task.Behind(place, question[i + 1]), way[i]);
        foreach (Reasoning kind in Enum.GetValues<Reasoning>())
        {
            (int[] ids, int[] lengths, int[] targets) = task.Fill(new Philox(4), 300, 6, kind);
            Assert.InRange(ids.Length, 300 - MoveTask.LengthOf(6, kind) + 1, 300);
            Assert.Equal((ids.Length, ids.Length), (lengths.Sum(), targets.Length));
            Assert.Equal(Enumerable.Range(1, 6).Select(moves => MoveTask.LengthOf(moves, kind)), lengths.Distinct().Order());
            int first = 0;
            foreach (int length in lengths)
            {
                int moves = Enumerable.Range(1, 6).Single(count => MoveTask.LengthOf(count, kind) == length), at = ids[first];
                int[] stops = [.. Enumerable.Range(1, moves).Select(i => at = task.Behind(at, ids[first + i]))];
                int[] asked = kind == Reasoning.Places ? stops
                    : [.. Enumerable.Repeat(CrossEntropy.Ignore, length - moves - 2), stops[^1]];
                Assert.Equal(asked, targets[(first + moves + 1)..(first + length)]);
                Assert.All(targets[first..(first + moves + 1)], target => Assert.Equal(CrossEntropy.Ignore, target));
                int[] between = ids[(first + moves + 2)..(first + length)];
                Assert.Equal(kind == Reasoning.Places ? stops[..^1] : Enumerable.Repeat(MoveTask.Mark, between.Length), between);
                first += length;
            }
        }
    }

    [Fact]
    public void TheEffectiveRankIsThatOfTheSingularValues()
    {
        Assert.Equal(3, EffectiveRank.Of([2, 0, 0, 0, 2, 0, 0, 0, -2], 3), 9);
        // A root of a rounding's square is not small: rows along one line are 1 to six digits.
        Assert.Equal(1, EffectiveRank.Of([1, 2, 3, -2, -4, -6], 3), 6);
        Assert.Equal(Math.Exp(-0.75 * Math.Log(0.75) - 0.25 * Math.Log(0.25)), EffectiveRank.Of([3, 0, 0, 1, 0, 0], 2), 9);
        float[] rows = [.. Enumerable.Range(0, 28).Select(i => (float)new Philox(1).Normal((ulong)i))];
        double[] sigma = new double[4];
        SingularValues.Forward([.. rows.Select(value => (double)value)], 7, 4, sigma, new double[28], new double[16]);
        Assert.Equal(Math.Exp(-sigma.Sum(one => one / sigma.Sum() * Math.Log(one / sigma.Sum()))), EffectiveRank.Of(rows, 4), 9);
    }

    [Fact]
    public void AMeanHasItsStandardError()
    {
        StudyMean mean = new();
        Assert.True(double.IsNaN(mean.Value));
        foreach (double value in (double[])[1, 4, 1, 0])
            mean.Add(value);
        Assert.Equal(1.5, mean.Value, 12);
        Assert.Equal(Math.Sqrt(9.0 / 3 / 4), mean.Error, 12);
    }

    [Fact]
    public void LearnedPositionsEndAndScaledOnesHaveTheSameWeights()
    {
        using Workers workers = new(1);
        using Decoder learned = new(PositionStudy.ConfigOf("learned", 30)), rotary = new(PositionStudy.ConfigOf("rotary", 30));
        using Tape tape = new(workers, learned.Parameters);
        Assert.Contains("65 tokens are more than the longest sequence, 64",
            Assert.Throws<ArgumentException>(() => learned.Hidden(tape, Rows.One(new int[65]))).Message, StringComparison.Ordinal);
        foreach (string kind in (string[])["none", "sinusoidal", "ALiBi", "interpolated", "YaRN"])
        {
            using Decoder other = new(PositionStudy.ConfigOf(kind, 30));
            Assert.Equal(rotary.Parameters.All.Select(parameter => (parameter.Name, parameter.Shape)), other.Parameters.All.Select(parameter => (parameter.Name, parameter.Shape)));
            Assert.Equal(256, other.MaximumLength);
            Assert.NotEqual(rotary.Config, other.Config);
        }
    }

    [Fact]
    public void ByPositionALossEndsWhereLearnedPositionsDo()
    {
        PositionStudy study = new() { Stories = 60, Windows = 3 };
        StudyTable table = Assert.Single(Compute(study, steps: 12));
        Assert.Equal(Enumerable.Range(1, 16).Select(i => 16.0 * i), table.Rows.Select(row => row[0]));
        int learned = Array.IndexOf(table.Chart.Columns, "learned");
        Assert.Equal([4, 12], [table.Rows.Count(row => double.IsFinite(row[learned])), table.Rows.Count(row => double.IsNaN(row[learned]))]);
        Assert.All(table.Rows, row => Assert.All(row[1..].Where((_, i) => i + 1 != learned && i + 1 < row.Length - 1), loss => Assert.InRange(loss, 3, Math.Log(513) + 0.5)));
        // The first position sees no other: how positions are scaled changes what follows.
        Assert.NotEqual(table.Rows[3][4], table.Rows[3][6]);
    }

    [Fact]
    public void TheRankIsThatOfTheStreamBehindEachBlock()
    {
        RankStudy study = new() { Stories = 60, Windows = 3 };
        StudyTable[] tables = Compute(study, steps: 3);
        Assert.All(tables, table => Assert.All(table.Rows, row => Assert.All(row[1..], rank => Assert.InRange(rank, 1, 64))));
        StudyText text = StudyText.Of(1, 60, 3 * 64 / 50);
        using Workers workers = new(1);
        foreach ((string kind, int column) in (IEnumerable<(string, int)>)[("encoder", 4), ("decoder", 5), ("prefix-LM", 6)])
        {
            using Model model = RankStudy.ModelOf(kind, 4, text.VocabularySize);
            model.Initialize(1);
            using Tape tape = new(workers, model.Parameters) { Recording = false };
            Streams streams = new();
            model.Read(tape, RankStudy.RowsOf(text.Judge(3, 64).Ids, kind), streams);
            for (int block = 0; block < 4; block++)
                Assert.Equal(StudyTable.Round(EffectiveRank.Of(streams.Blocks[block], 64)), tables[0].Rows[block + 1][column]);
            Assert.Equal(tables[0].Rows[0][4], tables[0].Rows[0][column]);
        }
        Assert.Equal(3, tables[0].Rows[1][4..].Distinct().Count());
    }

    [Fact]
    public void APromptIsReadByTheModelAndNotByCounting()
    {
        ContextStudy study = new() { Task = new MappingTask(Names: 3, Places: 4, Pairs: 10), Asked = 200 };
        StudyTable[] tables = Compute(study, steps: 240);
        double[] last = tables[1].Rows[^1];
        Assert.Equal((2, 0.917 - 0.167), (last[0], Math.Round(last[3], 3)));
        Assert.True(last[6] > 0.9, $"{last[6]}");
        Assert.True(last[4] < 0.65, $"{last[4]}");
        double[] row = tables[0].Rows[^1];
        Assert.True(row[1] < row[3] - 0.5 && row[3] < row[4] + 0.1, $"{row[1]} {row[3]} {row[4]}");
        Assert.Equal(Math.Log(4), row[4], 1);
        Assert.Equal(240, tables[3].Rows[^1][0]);
    }

    [Fact]
    public void WrittenStepsCarryFurther()
    {
        ChainStudy study = new() { Seeds = 1, Asked = 100 };
        StudyTable table = Assert.Single(Compute(study, steps: 150));
        Assert.Equal(8, table.Rows.Count);
        Assert.True(table.Rows[0][1] > 0.9 && table.Rows[0][5] > 0.9, string.Join(' ', table.Rows[0]));
        Assert.All(table.Rows.Skip(4), row => Assert.InRange(row[1], 0, 0.4));
        Assert.Equal(StudyTable.Round(Math.Sqrt(table.Rows[7][1] * (1 - table.Rows[7][1]) / 99)), table.Rows[7][2]);
    }

    [Fact]
    public void ThreadsDoNotChangeTheNumbers()
    {
        EmergenceStudy study = new() { Seeds = 1 };
        Assert.Equal(Compute(study, 4, threads: 1)[0].Rows, Compute(study, 4, threads: 3)[0].Rows);
        Assert.NotEqual(Compute(study, 4)[0].Rows, Compute(study, 4, seed: 2)[0].Rows);
    }

    [Fact]
    public void PagesAreThoseOfTheStudies()
    {
        SortedDictionary<string, string> expected = new(StringComparer.Ordinal) { ["README.md"] = StudyPage.Index() };
        foreach (Study study in Study.All)
        {
            string page = File.ReadAllText(Path.Combine(Folder, $"{study.Name}.md"));
            StudyTable[] tables = [.. study.Charts.Select(chart => new StudyTable(chart, RowsOf(page, chart.Title)))];
            foreach ((string name, string text) in StudyPage.Files(study, tables))
                expected.Add(name, text);
        }
        // Texts and pictures anew, of the numbers that stand there: LEMMA_STUDY_PAGES=write.
        if (Environment.GetEnvironmentVariable("LEMMA_STUDY_PAGES") == "write")
        {
            foreach ((string name, string text) in expected)
                File.WriteAllText(Path.Combine(Folder, name), text);
        }
        Assert.Equal(expected.Keys, Directory.EnumerateFiles(Folder).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal));
        Assert.All(expected, file => Assert.Equal(file.Value, File.ReadAllText(Path.Combine(Folder, file.Key))));
    }

    [Fact]
    public void TheToolListsShowsAndWritesThem()
    {
        string list = Good("study");
        Assert.All(Study.All, study => Assert.Contains(study.Question, list, StringComparison.Ordinal));
        string shown = Good("study emergence --steps 2 --threads 1");
        Assert.Contains("Over the width of the model", shown, StringComparison.Ordinal);
        Assert.Contains("(Written for the usual numbers.)", shown, StringComparison.Ordinal);
        using TemporaryFolder folder = new();
        Good($"study activations --out {folder["own"]}");
        Assert.Equal(File.ReadAllText(Path.Combine(Folder, "activations.md")), File.ReadAllText(folder["own/activations.md"]));
        Assert.Equal(7, Directory.GetFiles(folder["own"]).Length);
        Good($"study emergence --steps 2 --seed 3 --out {folder["own"]}");
        Assert.Contains("Computed by `lemma study emergence --steps 2 --seed 3`.", File.ReadAllText(folder["own/emergence.md"]), StringComparison.Ordinal);
        Assert.Contains("there is no study 'ranks'; there are activations, emergence, examples, reasoning, rank, positions", Bad(2, "study ranks"), StringComparison.Ordinal);
        Assert.Contains("activations trains nothing, so it takes no --steps", Bad(2, "study activations --steps 3"), StringComparison.Ordinal);
        Assert.Contains("a study's name is needed, or --out for all of them", Bad(2, "study --seed 3"), StringComparison.Ordinal);
    }

    [Fact]
    public void APictureLeavesOutWhatIsMissingAndShowsErrors()
    {
        StudyChart chart = new("A & B", "losses < 3", ["place", "a", "±", "b"], [1, 3]);
        string svg = StudyPicture.Svg(new StudyTable(chart, [[0, 1, 0.5, 2], [5, 2, 0.5, double.NaN], [10, 3, 0.5, double.NaN]]));
        System.Xml.Linq.XElement root = System.Xml.Linq.XElement.Parse(svg);
        string[][] lines = [.. root.Elements().Where(part => part.Name.LocalName == "polyline").Select(part => part.Attribute("points")!.Value.Split(' '))];
        Assert.Equal([3, 1], lines.Select(line => line.Length));
        Assert.Equal(3, root.Elements().Count(part => part.Name.LocalName == "line" && part.Attribute("stroke")!.Value == "#0072b2" && part.Attribute("stroke-width")!.Value == "1"));
        Assert.DoesNotContain("NaN", svg, StringComparison.Ordinal);
    }

    private static StudyTable[] Compute(Study study, int steps, ulong seed = 1, int threads = 2)
    {
        using Workers workers = new(threads);
        return study.Compute(new StudyRun(seed, steps, workers));
    }

    // The cells of the table behind a heading.
    private static double[][] RowsOf(string page, string title) =>
        [.. page.Split($"\n## {title}\n")[1].Split("\n## ")[0].Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1)
            .Select(line => line.Trim('|', ' ').Split(" | ").Select(StudyTable.Read).ToArray())];

    private sealed class Streams : IPassObserver
    {
        public List<float[]> Blocks { get; } = [];

        public void Attention(Tape tape, int layer, in ObservedAttention attention) { }

        public void Block(Tape tape, int layer, Tensor rows) => Blocks.Add(tape[rows].ToArray());
    }
}
