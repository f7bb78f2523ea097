using System.Globalization;
using Lemma.Decoding;
using Lemma.Language;

namespace Lemma.Cli.Display;

/// <summary>Continuations for a reader: the texts under headings where there are several, then how probable each token was.</summary>
internal static class CompletionText
{
    private const int TokenWidth = 14;

    public static void Write(LanguageModel model, string prompt, IReadOnlyList<Completion> made)
    {
        for (int i = 0; i < made.Count; i++)
        {
            if (made.Count > 1)
                Console.Out.WriteLine($"{(i > 0 ? Environment.NewLine : "")}{i + 1} of {made.Count}{Score(made[i])}");
            WordWriter writer = WordWriter.ForConsole();
            writer.Write(prompt + made[i].Text);
            writer.EndLine();
            if (made[i].Choices.Count > 0)
                WriteChoices(model, made[i].Choices);
        }
    }

    private static string Score(Completion one) => one.Score is { } score ? $", score {score.ToString("0.0000", CultureInfo.InvariantCulture)}" : "";

    private static void WriteChoices(LanguageModel model, IReadOnlyList<TokenChoice> choices)
    {
        Console.Out.WriteLine();
        int width = Terminal.IsInteractive ? Terminal.Width : int.MaxValue;
        string heading = $"{"token",-TokenWidth} {"ln p",8}{(choices[0].Likeliest.Count > 0 ? "  likeliest there" : "")}";
        Console.Out.WriteLine(heading[..Math.Min(heading.Length, width)]);
        foreach (TokenChoice choice in choices)
        {
            string line = $"{Label(model, choice.Chosen)} {Number(choice.Chosen)}";
            int cells = TokenWidth + 9;
            foreach (TokenLogProbability likely in choice.Likeliest)
            {
                // As many as fit: a line stays a line.
                if ((cells += TokenWidth + 11) > width)
                    break;
                line += $"  {Label(model, likely)} {Number(likely)}";
            }
            Console.Out.WriteLine(line);
        }
    }

    private static string Label(LanguageModel model, TokenLogProbability token) => TokenLabel.Of(model.TextOf(token.Id), TokenWidth);

    private static string Number(TokenLogProbability token) => token.LogProbability.ToString("0.0000", CultureInfo.InvariantCulture).PadLeft(8);
}
