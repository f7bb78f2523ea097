using System.Globalization;
using Lemma.Cli.Commands;
using Lemma.Data;
using Lemma.Models;
using Lemma.Training;

namespace Lemma.Cli.Tuning;

/// <summary>Where a model stands with the built-in examples: held-out questions and lists answered right, and what telling stories has become meanwhile.</summary>
internal sealed class Standing
{
    private const int LongestAnswer = 32;
    private readonly TunedModel model;
    private readonly StorySource stories;
    private readonly List<(string Name, List<PolicyPrompt> Prompts)> asked = [];

    public Standing(TunedModel model, TuningRequest request)
    {
        this.model = model;
        // Up to where questions follow, which some corpora have and others not.
        stories = new StorySource(request.Seed, (request.Told ?? new()) with { Questions = 0 });
        if (request.ListShare < 1)
            asked.Add(("answers right", TuningData.Questions(model, StoryTasks.Questions(request.Seed, request.Told), LongestAnswer)));
        if (request.ListShare > 0)
            asked.Add(("lists backwards", TuningData.Questions(model, ListTasks.Questions(request.Seed), LongestAnswer)));
    }

    /// <summary>The share of each kind of question that is answered right, then the bits of a byte of held-out stories.</summary>
    public double[] Of(Decoder decoder) =>
    [
        .. asked.Select(kind => PolicyRewards.Mean(decoder, model.Tokenizer, model.Workers, kind.Prompts, PolicyRewards.All["right"], LongestAnswer)),
        StoryLoss.Of(decoder, model.Tokenizer, stories, model.Workers, toTheEnd: false).BitsPerByte,
    ];

    /// <summary>The rows of a table.</summary>
    public IEnumerable<(string, string)> Rows(double[]? before, double[] after)
    {
        for (int i = 0; i < asked.Count; i++)
            yield return (asked[i].Name, Change(before?[i], after[i], TuningData.Percent));
        yield return ("stories, bits a byte", Change(before?[^1], after[^1], bits => bits.ToString("0.0000", CultureInfo.InvariantCulture)));
    }

    private static string Change(double? before, double after, Func<double, string> write) =>
        before is { } value ? $"{write(value)} before, {write(after)} after" : write(after);
}
