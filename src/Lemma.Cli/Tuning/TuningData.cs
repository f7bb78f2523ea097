using Lemma.Data;
using Lemma.Parquet;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary>Examples of a tuning run: from files, or from the built-in source; and the lines that say what became of them.</summary>
internal static class TuningData
{
    // Training and validation are ranges of the source that do not meet.
    private const long FirstValidation = 1L << 40;
    private const int BuiltInValidation = 200;
    private static readonly Dictionary<string, RowReader> Formats = new() { [".parquet"] = ParquetRows.Read };

    /// <summary>Examples to learn from and to judge by, encoded; what was left out is told.</summary>
    public static (List<TEncoded> Training, List<TEncoded> Validation) Read<TExample, TEncoded>(TuningRequest request, ExampleSource<TExample> builtIn,
        Func<IEnumerable<TExample>, DataReport, IEnumerable<TEncoded>> encode) where TExample : DataExample
    {
        DataReport report = new();
        List<TEncoded> all, validation;
        if (request.Data.Length == 0)
        {
            all = [.. encode(builtIn.Range(0, request.Examples, report), report)];
            validation = [.. encode(builtIn.Range(FirstValidation, BuiltInValidation), new DataReport())];
        }
        else
        {
            all = [.. encode(ExampleFiles.Read<TExample>(request.Data, report, request.Encoding, Formats), report)];
            int kept = (int)(all.Count * (1 - request.ValidationShare));
            if (kept == 0 || kept == all.Count)
                throw new InvalidDataException($"data: {all.Count} examples cannot be parted into some to learn from and {request.ValidationShare} of them "
                    + $"to judge by; {report.Summary}");
            (all, validation) = (all[..kept], all[kept..]);
        }
        if (all.Count == 0 || validation.Count == 0)
            throw new InvalidDataException($"data: no example is left; {report.Summary}");
        foreach (string line in report.Lines())
            Console.WriteLine(line);
        return (all, validation);
    }

    /// <summary>Held-out questions of the built-in source as prompts, for the share of right answers.</summary>
    public static List<PolicyPrompt> Questions(TunedModel model, ulong seed, int room) =>
        [.. Prompts(model.NewEncoder(room: room).Encode(StoryTasks.Questions(seed).Range(FirstValidation, BuiltInValidation), new DataReport()))];

    /// <summary>Prompts with their texts and answers.</summary>
    public static IEnumerable<PolicyPrompt> Prompts(IEnumerable<TokenPrompt> prompts) => prompts.Select(prompt =>
        new PolicyPrompt(prompt.Ids, string.Concat(prompt.Example.Prompt.Select(message => message.Content)), prompt.Example.Answer));

    /// <summary>What to do with the model next.</summary>
    public static (string, string)[] Next(string folder) => [("try it", $"lemma chat {folder}")];

    /// <summary>A share in percent.</summary>
    public static string Percent(double share) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{100 * share:0.0} %");
}
