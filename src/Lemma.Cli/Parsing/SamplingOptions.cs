using System.CommandLine;
using Lemma.Decoding;

namespace Lemma.Cli.Parsing;

/// <summary>The options of drawing text.</summary>
internal sealed class SamplingOptions
{
    private readonly Option<int?> tokens = Choice.Whole("--tokens", "The most tokens to add", fallback: 200);
    private readonly Option<double?> temperature = Choice.Number("--temperature", "How freely to draw; 0 always takes the likeliest", fallback: 0.8);
    private readonly Option<int?> topK = Choice.Whole("--top-k", "Draw among the K likeliest only");
    private readonly Option<double?> topP = Choice.Number("--top-p", "Draw among the likeliest that reach this probability together", below: 1.0000001);
    private readonly Option<ulong?> seed = Choice.Seed();

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[tokens, temperature, topK, topP, seed])
            command.Add(option);
    }

    public GenerationOptions Read(ParseResult parsed) =>
        GenerationOptions.Sample(parsed.GetValue(temperature)!.Value, parsed.GetValue(topK), parsed.GetValue(topP)) with
        {
            MaximumTokens = parsed.GetValue(tokens)!.Value,
            Seed = parsed.GetValue(seed)!.Value,
        };
}
