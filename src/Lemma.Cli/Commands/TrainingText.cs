using Lemma.Cli.Display;
using Lemma.Cli.Parsing;
using Lemma.Data;
using Lemma.Text;
using Lemma.Training;

namespace Lemma.Cli.Commands;

/// <summary>The texts of a pretraining run: read, without doubles, and as ids to learn from and to judge by.</summary>
internal sealed class TrainingText : IDisposable
{
    private readonly DataChoice choice;
    private readonly string[][] sources;
    private readonly List<string> lines = [];
    private readonly List<TokenCache> caches = [];

    private TrainingText(DataChoice choice, string[][] sources) => (this.choice, this.sources) = (choice, sources);

    /// <summary>What the texts are.</summary>
    public DataFingerprint Fingerprint { get; } = new();

    /// <summary>Every text, in the order of the sources.</summary>
    public IEnumerable<string> Texts => sources.SelectMany(texts => texts);

    public int Documents => sources.Sum(texts => texts.Length);

    /// <summary>What is to be said of the data.</summary>
    public IReadOnlyList<string> Lines => lines;

    /// <summary>Reads the files; those of a mixture a source at a time.</summary>
    public static TrainingText Read(DataChoice choice)
    {
        DataReport report = new();
        string[][] groups = choice.Weights is null ? [choice.Sources] : [.. choice.Sources.Select(source => (string[])[source])];
        List<TextDocument>[] read = [.. groups.Select(group => TextFiles.Read(group, choice.Encoding))];
        HashSet<TextDocument>? distinct = choice.IsDistinct
            ? new(DistinctExamples.Of(read.SelectMany(documents => documents), report), ReferenceEqualityComparer.Instance) : null;
        for (int i = 0; i < read.Length; i++)
        {
            read[i].RemoveAll(document => distinct?.Contains(document) == false);
            if (read[i].Count == 0)
                throw new InvalidDataException($"data: all texts of {choice.Sources[i]} occurred before");
        }
        TrainingText text = new(choice, [.. read.Select(documents => documents.Select(document => document.Text).ToArray())]);
        foreach (TextDocument document in read.SelectMany(documents => documents))
            text.Fingerprint.Add(document);
        foreach ((DropReason _, (long count, string first)) in report.Reasons)
            text.lines.Add($"{Amount.Count(count)} documents left out: duplicate (the first: {first})");
        return text;
    }

    /// <summary>The ids, of a mixture by its weights; the end of each source is kept to judge by.</summary>
    public (TokenDataset Training, TokenDataset Validation) Pack(Tokenizer tokenizer, int? end, string? cache, int? threads)
    {
        (TokenDataset Training, TokenDataset Validation)[] parts =
            [.. sources.Select(texts => Ids(texts, tokenizer, end, cache, threads).Split(choice.ValidationShare))];
        if (choice.Weights is not { } weights)
            return parts[0];
        lines.Add(choice.Mixture);
        return (TokenDataset.Mix([.. parts.Select((part, i) => (part.Training, weights[i]))], "training data"),
            TokenDataset.Join([.. parts.Select(part => part.Validation)], "validation data"));
    }

    public void Dispose()
    {
        foreach (TokenCache cache in caches)
            cache.Dispose();
    }

    private TokenDataset Ids(string[] texts, Tokenizer tokenizer, int? end, string? folder, int? threads)
    {
        if (folder is null)
            return TokenDataset.Pack(tokenizer.EncodeBatch(texts, addSpecialTokens: false, threads), end);
        TokenCache cache = TokenCache.Open(folder, texts, tokenizer, end, threads);
        caches.Add(cache);
        if (cache.Fault is { } fault)
            lines.Add($"{cache.Path}: not used: {fault}");
        lines.Add($"{cache.Path}: {(cache.IsNew ? "tokens written" : "tokens mapped")}");
        return cache.Data;
    }
}
