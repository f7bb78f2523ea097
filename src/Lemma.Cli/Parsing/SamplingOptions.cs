using System.CommandLine;
using System.Globalization;
using Lemma.Decoding;
using Lemma.Models;

namespace Lemma.Cli.Parsing;

/// <summary>The options of drawing text, applied in the usual order (docs/decoding.md).</summary>
internal sealed class SamplingOptions
{
    // Numbers up to 1/2, 1 and 2 themselves.
    private const double UpToHalf = 0.50000001, UpToOne = 1.0000001, UpToTwo = 2.0000001, UsualTemperature = 0.8;

    private readonly Option<int?> tokens = Choice.Whole("--tokens", "The most tokens to add", fallback: 200);
    private readonly Option<double?> temperature = Choice.Number("--temperature",
        "How freely to draw; 0 always takes the likeliest; without it what the model's files say, or 0.8");
    private readonly Option<int?> topK = Choice.Whole("--top-k", "Draw among the K likeliest only");
    private readonly Option<double?> topP = Choice.Number("--top-p", "Draw among the likeliest that reach this probability together",
        below: UpToOne);
    private readonly Option<double?> minP = Choice.Number("--min-p", "Draw among those with this share of the likeliest's probability",
        below: UpToOne);
    private readonly Option<double?> typical = Choice.Number("--typical", "Draw among those of usual surprise that reach this probability together",
        least: double.Epsilon, below: UpToOne);
    private readonly Option<double?> repetition = Choice.Number("--repetition-penalty", "Divide the logits of ids that were there by it; 1 changes nothing",
        least: double.Epsilon);
    private readonly Option<double?> presence = Choice.Number("--presence-penalty", "Subtract it from the logits of ids that were made", least: -2,
        below: UpToTwo);
    private readonly Option<double?> frequency = Choice.Number("--frequency-penalty", "Subtract it from the logits of ids each time they were made", least: -2,
        below: UpToTwo);
    private readonly Option<int?> ngram = Choice.Whole("--no-repeat-ngram", "Never repeat as many ids in a row");
    private readonly Option<double?> dry = Choice.Number("--dry", "Subtract X·base^(n − length) from the logits of ids that would repeat n ids (DRY)",
        least: double.Epsilon);
    private readonly Option<double?> dryBase = Choice.Number("--dry-base", "How fast DRY grows", least: 1, fallback: 1.75);
    private readonly Option<int?> dryLength = Choice.Whole("--dry-length", "The shortest repetition that DRY makes dearer", fallback: 2);
    private readonly Option<double?> topNSigma = Choice.Number("--top-n-sigma", "Draw among the logits within X standard deviations of the largest");
    private readonly Option<double?> xtc = Choice.Number("--xtc", "With this probability forget all likely ids but the least likely of them (XTC)",
        below: UpToOne);
    private readonly Option<double?> xtcThreshold = Choice.Number("--xtc-threshold", "From which probability on an id is likely for XTC", least: double.Epsilon,
        below: UpToHalf, fallback: 0.1);
    private readonly Option<double?> mirostat = Choice.Number("--mirostat", "Keep the surprise near X bits a token (Mirostat 2); nothing else keeps ids then",
        least: double.Epsilon);
    private readonly Option<double?> mirostatRate = Choice.Number("--mirostat-rate", "How fast Mirostat follows", least: double.Epsilon, fallback: 0.1);
    private readonly Option<string[]> stops = Several("--stop", "TEXT", "End before this text; may be given several times", ReadStop,
        "a text of at least one character");
    private readonly Option<KeyValuePair<int, double>[]> bias = Several("--logit-bias", "ID=VALUE",
        "Add to the logit of an id; -inf bans it; may be given several times", ReadBias, "an id and a number, such as 42=-1.5,");
    private readonly Option<ulong?> seed = Choice.Seed();

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[tokens, .. Drawing, stops, seed])
            command.Add(option);
    }

    /// <summary>The first option given that has no meaning where nothing is drawn; null where none is.</summary>
    public string? DrawingOption(ParseResult parsed) => Drawing.FirstOrDefault(option => Choice.IsGiven(parsed, option))?.Name;

    private Option[] Drawing => [temperature, topK, topP, minP, typical, topNSigma, xtc, xtcThreshold, mirostat, mirostatRate, repetition, presence, frequency,
        ngram, dry, dryBase, dryLength, bias];

    /// <summary>Reads them; what is not given is as the model's makers would have it.</summary>
    /// <param name="parsed">What was given.</param>
    /// <param name="own">Of the model; null before it is read, to refuse what does not hold.</param>
    public GenerationOptions Read(ParseResult parsed, SamplingDefaults? own = null)
    {
        SamplingDefaults usual = (own ?? SamplingDefaults.None) with { Temperature = own?.Temperature ?? UsualTemperature };
        foreach ((Option option, Option other) in ((Option, Option)[])[(dryBase, dry), (dryLength, dry), (xtcThreshold, xtc), (mirostatRate, mirostat)])
            Choice.RequireBeside(parsed, option, other);
        return GenerationOptions.Sample(parsed.GetValue(temperature), parsed.GetValue(topK), parsed.GetValue(topP), parsed.GetValue(minP),
            parsed.GetValue(typical), parsed.GetValue(repetition), parsed.GetValue(presence), parsed.GetValue(frequency), parsed.GetValue(ngram),
            parsed.GetValue(bias), parsed.GetValue(topNSigma),
            parsed.GetValue(dry) is { } multiplier ? new Dry(multiplier, parsed.GetValue(dryBase)!.Value, parsed.GetValue(dryLength)!.Value) : null,
            parsed.GetValue(xtc) is { } chance ? new Xtc(parsed.GetValue(xtcThreshold)!.Value, chance) : null,
            parsed.GetValue(mirostat) is { } target ? new Mirostat2(target, parsed.GetValue(mirostatRate)!.Value) : null, usual) with
        {
            MaximumTokens = parsed.GetValue(tokens)!.Value,
            Seed = parsed.GetValue(seed)!.Value,
            StopTexts = parsed.GetValue(stops) ?? [],
        };
    }

    private static (bool IsRight, string Value) ReadStop(string token) => (token.Length > 0, token);

    private static (bool IsRight, KeyValuePair<int, double> Value) ReadBias(string token)
    {
        int split = Math.Max(0, token.IndexOf('=', StringComparison.Ordinal));
        ReadOnlySpan<char> number = token.AsSpan(Math.Min(split + 1, token.Length));
        double value = double.NegativeInfinity;
        bool isRight = int.TryParse(token.AsSpan(0, split), NumberStyles.None, CultureInfo.InvariantCulture, out int id)
            && (number is "-inf" || (double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value)));
        return (isRight, new(id, value));
    }

    private static Option<T[]> Several<T>(string name, string help, string description, Func<string, (bool IsRight, T Value)> read, string rule) =>
        new(name)
        {
            Description = description,
            HelpName = help,
            CustomParser = result =>
            {
                List<T> values = [];
                foreach (string token in result.Tokens.Select(token => token.Value))
                {
                    (bool isRight, T value) = read(token);
                    if (isRight)
                        values.Add(value);
                    else
                        result.AddError($"{name}: {rule} is needed, but '{token}' was given");
                }
                return [.. values];
            },
        };
}
