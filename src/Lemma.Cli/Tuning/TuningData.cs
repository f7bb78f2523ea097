using Lemma.Cli.Commands;
using Lemma.Cli.Display;
using Lemma.Data;
using Lemma.Models;
using Lemma.Parquet;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary>Examples of a tuning run: from files, or from the built-in source; and the lines that say what became of them.</summary>
internal static class TuningData
{
    private const int LeastOfPlan = 64;
    private static readonly Dictionary<string, RowReader> Formats = new() { [".parquet"] = ParquetRows.Read };

    /// <summary>Examples to learn from and to judge by, encoded; what was left out is told.</summary>
    public static (List<TEncoded> Training, List<TEncoded> Validation) Read<TExample, TEncoded>(ExampleRequest request, ExampleSource<TExample> builtIn,
        Func<IEnumerable<TExample>, DataReport, IEnumerable<TEncoded>> encode) where TExample : DataExample
    {
        DataReport report = new();
        List<TEncoded> all, validation;
        IEnumerable<TExample> Seen(IEnumerable<TExample> examples) =>
            request.Fingerprint.Through(request.Choice.IsDistinct ? DistinctExamples.Of(examples, report) : examples);
        if (request.Data.Length == 0)
        {
            all = [.. encode(Seen(builtIn.Range(0, request.Examples, report)), report)];
            validation = [.. encode(request.Fingerprint.Through(builtIn.Range(StoryLoss.First, StoryLoss.Count)), new DataReport())];
        }
        else if (request.Choice.Weights is { } weights)
            (all, validation) = Mix(request, weights, report, Seen, encode);
        else
        {
            all = [.. encode(Seen(ExampleFiles.Read<TExample>(request.Data, report, request.Encoding, Formats)), report)];
            int kept = (int)(all.Count * (1 - request.ValidationShare));
            if (kept == 0 || kept == all.Count)
                throw TooFew("data", all.Count, request, report);
            (all, validation) = (all[..kept], all[kept..]);
        }
        if (all.Count == 0 || validation.Count == 0)
            throw new InvalidDataException($"data: no example is left; {report.Summary}");
        foreach (string line in report.Lines())
            Console.WriteLine(line);
        if (request.Choice.Weights is not null)
            Console.WriteLine(request.Choice.Mixture);
        if (!request.IsDry)
            return (all, validation);
        List<TEncoded> some = Some(all, request, report);
        request.ShareOfPlan = (double)some.Count / all.Count;
        return (some, validation);
    }

    /// <summary>Held-out questions as prompts, for the share of right answers.</summary>
    public static List<PolicyPrompt> Questions(TunedModel model, ExampleSource<VerifiableExample> source, int room) =>
        [.. Prompts(model.NewEncoder(room: room).Encode(source.Range(StoryLoss.First, StoryLoss.Count), new DataReport()))];

    /// <summary>Texts that are read whole, each between the ids that begin and end one, in pieces that the model can read.</summary>
    public static IEnumerable<TokenExample> Whole(TunedModel model, string text, int most)
    {
        DecoderConfig config = model.Base.Config;
        int[] begin = (config.BeginId ?? config.EndId) is { } first ? [first] : [], end = config.EndId is { } last ? [last] : [];
        int[] ids = [.. begin, .. model.Tokenizer.Encode(text, addSpecialTokens: false), .. end];
        return ids.Chunk(most).Where(piece => piece.Length > 1).Select(piece => new TokenExample(piece));
    }

    /// <summary>Prompts with their texts and answers.</summary>
    public static IEnumerable<PolicyPrompt> Prompts(IEnumerable<TokenPrompt> prompts) => prompts.Select(prompt =>
        new PolicyPrompt(prompt.Ids, string.Concat(prompt.Example.Prompt.Select(message => message.Content)), prompt.Example.Answer));

    /// <summary>What to do with the model next.</summary>
    public static (string, string)[] Next(string folder) => [("try it", $"lemma chat {folder}")];

    /// <summary>A share in percent.</summary>
    public static string Percent(double share) => Amount.Percent(share);

    // As many examples as the sources have together, each source by its weight; the end of each is kept to judge by.
    private static (List<TEncoded> Training, List<TEncoded> Validation) Mix<TExample, TEncoded>(ExampleRequest request, double[] weights, DataReport report,
        Func<IEnumerable<TExample>, IEnumerable<TExample>> seen, Func<IEnumerable<TExample>, DataReport, IEnumerable<TEncoded>> encode) where TExample : DataExample
    {
        List<TExample>[] parts = [.. request.Data.Select(source => ExampleFiles.Read<TExample>([source], report, request.Encoding, Formats))];
        HashSet<TExample> kept = new(seen(parts.SelectMany(part => part)), ReferenceEqualityComparer.Instance);
        List<(ExampleSource<TExample> Source, double Weight)> sources = [];
        List<TExample> judged = [];
        int count = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i].RemoveAll(example => !kept.Contains(example));
            int first = (int)(parts[i].Count * (1 - request.ValidationShare));
            if (first == 0 || first == parts[i].Count)
                throw TooFew(request.Data[i], parts[i].Count, request, report);
            sources.Add((ExampleSource.Of(request.Data[i], parts[i][..first], request.Seed), weights[i]));
            judged.AddRange(parts[i][first..]);
            count += first;
        }
        return ([.. encode(ExampleSource.Mix(sources, request.Seed).Range(0, count), report)], [.. encode(judged, new DataReport())]);
    }

    private static InvalidDataException TooFew(string source, int count, ExampleRequest request, DataReport report) =>
        new($"{source}: {count} examples cannot be parted into some to learn from and {request.ValidationShare} of them to judge by; {report.Summary}");

    // A plan tries a few steps, so it needs no more than the first examples.
    private static List<T> Some<T>(List<T> all, ExampleRequest request, DataReport report)
    {
        double tokens = Math.Max(1, (double)report.Tokens / all.Count);
        return [.. all.Take(LeastOfPlan + (int)Math.Min(int.MaxValue / 2, 5.0 * request.Rows * request.Options.Accumulate / tokens))];
    }
}
