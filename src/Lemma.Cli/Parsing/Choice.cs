using System.CommandLine;
using System.Globalization;
using System.Text;
using Lemma.Sequences;

namespace Lemma.Cli.Parsing;

/// <summary>Options with checked values, whose errors name the option, the rule and the value.</summary>
internal static class Choice
{
    public static Option<int?> Whole(string name, string description, int least = 1, int most = int.MaxValue, int? fallback = null) =>
        Make<int?>(name, description, "N", fallback,
            token => int.TryParse(token, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= least
                && value <= most ? value : null,
            most == int.MaxValue ? $"a whole number of at least {least}" : $"a whole number from {least} to {most}");

    public static Option<double?> Number(string name, string description, double least = 0, double below = double.PositiveInfinity,
        double? fallback = null) =>
        Make<double?>(name, description, "X", fallback,
            token => double.TryParse(token, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= least
                && value < below ? value : null,
            RuleOf(least, below));

    /// <summary>Numbers above 0, one behind the other or each behind the option's name.</summary>
    public static Option<double[]?> Numbers(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "X",
        AllowMultipleArgumentsPerToken = true,
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result =>
        {
            List<double> values = [];
            foreach (string token in result.Tokens.Select(token => token.Value))
            {
                if (double.TryParse(token, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value > 0 && double.IsFinite(value))
                    values.Add(value);
                else
                    result.AddError($"{name}: a number above 0 is needed, but '{token}' was given");
            }
            return [.. values];
        },
    };

    private static string RuleOf(double least, double below) =>
        (least == double.Epsilon ? "a number above 0" : string.Create(CultureInfo.InvariantCulture, $"a number of at least {least}"))
        + (double.IsFinite(below) ? string.Create(CultureInfo.InvariantCulture, $" and below {below}") : "");

    public static Option<ulong?> Seed() =>
        Make<ulong?>("--seed", "The seed of everything random", "N", 1,
            token => ulong.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? value : null,
            "a whole number of at least 0");

    public static Option<int?> Threads() => Whole("--threads", "Threads; one a processor without it. The result does not depend on it");

    public static Option<CacheFormat?> CacheFormat() => Make("--cache-format", "How keys and values are kept: " + CacheFormats + "; f32 without it", "NAME", null,
        token => Lemma.Sequences.CacheFormat.All.FirstOrDefault(format => format.Name == token), "one of " + CacheFormats);

    private static string CacheFormats => string.Join(", ", Lemma.Sequences.CacheFormat.All);

    public static Option<string?> Text(string name, string help, string description, params string[] aliases) =>
        new(name, aliases) { Description = description, HelpName = help };

    /// <summary>Refuses an option that only says how another acts, where that other is not given.</summary>
    public static void RequireBeside(ParseResult parsed, Option option, Option other)
    {
        if (IsGiven(parsed, option) && !IsGiven(parsed, other))
            throw new UsageException($"{option.Name}: it says how {other.Name} acts, which is not given");
    }

    /// <summary>Whether an option was given, and not only has its usual value.</summary>
    public static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    public static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    public static Option<Encoding?> TextEncoding() => Make<Encoding?>("--encoding", "The encoding of the data; UTF-8 without it", "NAME",
        null, FindEncoding,
        "the name of an encoding, such as latin1, utf-16 or windows-1252");

    private static Encoding? FindEncoding(string name)
    {
        Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
        return Encoding.GetEncodings().Any(known => known.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            || name is "latin1" or "utf8"
            ? Encoding.GetEncoding(name) : null;
    }

    private static Option<T> Make<T>(string name, string description, string help, T fallback, Func<string, T> read, string rule)
    {
        Option<T> option = new(name) { Description = description, HelpName = help };
        option.CustomParser = result =>
        {
            string token = result.Tokens[0].Value;
            T value = read(token);
            if (value is null)
                result.AddError($"{name}: {rule} is needed, but '{token}' was given");
            return value;
        };
        if (fallback is not null)
            option.DefaultValueFactory = _ => fallback;
        return option;
    }
}
