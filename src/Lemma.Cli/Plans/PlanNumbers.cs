using System.CommandLine;
using System.Globalization;
using Lemma.Cli.Parsing;

namespace Lemma.Cli.Plans;

/// <summary>Numbers of plans as people write them: <c>2k</c>, <c>1.5e9</c>, <c>300M</c>, several with commas between.</summary>
internal static class PlanNumbers
{
    /// <summary>Several whole numbers of at least 1, such as 2k,8k,32k; k is 1,024.</summary>
    public static Option<int[]?> Lengths(string name, string description) => Make<int[]>(name, description, "N,N", text =>
    {
        int[] values = [.. text.Split(',').Select(part => Scaled(part, 1024) is { } value and >= 1 and <= int.MaxValue && value == Math.Floor(value)
            ? (int)value : 0)];
        return values.All(value => value > 0) ? values : null;
    }, "whole numbers of at least 1, such as 2k,8k,32k, are needed");

    /// <summary>A number above 0, such as 10M, 1.5e9 or 2B; k is 1,000.</summary>
    public static Option<double?> Amount(string name, string help, string description) => new(name)
    {
        Description = description,
        HelpName = help,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (Scaled(text, 1000) is { } value and > 0)
                return value;
            result.AddError($"{name}: a number above 0, such as 10M or 1.5e9, is needed, but '{text}' was given");
            return null;
        },
    };

    /// <summary>Names with commas between, each among some.</summary>
    public static Option<string[]?> Names(string name, string description, IReadOnlyList<string> known) => Make<string[]>(name, description,
        string.Join('|', known), text =>
    {
        string[] values = text.Split(',');
        return values.All(known.Contains) ? values : null;
    }, $"names among {string.Join(", ", known)} are needed");

    /// <summary>A number with a letter behind it, of which k stands for what is given; null where it is none, or not finite.</summary>
    public static double? Scaled(string text, double thousand)
    {
        double factor = text.Length == 0 ? 1 : text[^1] switch
        {
            'k' or 'K' => thousand,
            'M' => thousand * thousand,
            'G' or 'B' => thousand * thousand * thousand,
            'T' => thousand * thousand * thousand * thousand,
            _ => 1,
        };
        string digits = factor == 1 ? text : text[..^1];
        return double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value * factor)
            ? value * factor : null;
    }

    private static Option<T?> Make<T>(string name, string description, string help, Func<string, T?> read, string rule) where T : class => new(name)
    {
        Description = description,
        HelpName = help,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            T? value = read(text);
            if (value is null)
                result.AddError($"{name}: {rule}, but '{text}' was given");
            return value;
        },
    };
}

/// <summary>What a run may take: operations, a time, or money for a time.</summary>
/// <param name="Operations">Operations; null for the others.</param>
/// <param name="Hours">Hours; null for operations.</param>
/// <param name="Text">As it was given.</param>
internal sealed record PlanBudget(double? Operations, double? Hours, string Text)
{
    /// <summary>The option; money needs a price.</summary>
    public static Option<string?> Option() => Choice.Text("--budget", "2h|1e18|20usd", "What training may take: a time on this machine (90m, 2h, 3d), operations, "
        + "or money with --price");

    /// <summary>Reads a budget.</summary>
    /// <exception cref="UsageException">It is none, or money without a price.</exception>
    public static PlanBudget? Read(string? text, double? price)
    {
        if (text is null)
            return null;
        if (text.EndsWith("usd", StringComparison.OrdinalIgnoreCase))
        {
            double money = Number(text, text[..^3]);
            double each = price ?? throw new UsageException($"--budget: '{text}' needs --price, the dollars of an hour of this machine");
            return new PlanBudget(null, money / each, text);
        }
        double hours = text.Length == 0 ? 0 : text[^1..] switch { "s" => 1 / 3600.0, "m" => 1 / 60.0, "h" => 1, "d" => 24, _ => 0 };
        return hours > 0 ? new PlanBudget(null, Number(text, text[..^1]) * hours, text) : new PlanBudget(Number(text, text), null, text);
    }

    private static double Number(string text, string digits) =>
        double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value > 0 && double.IsFinite(value) ? value
            : throw new UsageException($"--budget: a time such as 2h, operations such as 1e18 or money such as 20usd, above 0, is needed, but '{text}' was given");
}
