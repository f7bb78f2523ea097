using System.Numerics;

namespace Lemma.Decoding.Constraints.Json;

/// <summary>Formats as regular expressions: what they match is of the format, though not all that is of it (RFC 3339, 4122, 5321, 1123, 4291, 3986).</summary>
internal static class StringFormats
{
    private const string Month31 = "(?:0[13578]|1[02])", Month30 = "(?:0[469]|11)", Day28 = "(?:0[1-9]|1[0-9]|2[0-8])";
    private const string Year = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)";
    private const string LeapYear = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)";
    private const string Date = $"(?:{Year}-(?:{Month31}-(?:0[1-9]|[12][0-9]|3[01])|{Month30}-(?:0[1-9]|[12][0-9]|30)|02-{Day28})|{LeapYear}-02-29)";
    private const string Clock = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?", Zone = "(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])";
    private const string Seconds = "[0-9]{1,4}S", Minutes = $"[0-9]{{1,4}}M(?:{Seconds})?", Hours = $"[0-9]{{1,4}}H(?:{Minutes})?";
    private const string Days = "[0-9]{1,4}D", Months = $"[0-9]{{1,4}}M(?:{Days})?", Years = $"[0-9]{{1,4}}Y(?:{Months})?";
    private const string Times = $"T(?:{Hours}|{Minutes}|{Seconds})";
    private const string Label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?", Host = $"{Label}(?:\\.{Label}){{0,3}}";
    private const string Octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])", Group = "[0-9a-fA-F]{1,4}";

    private static readonly Dictionary<string, string> Patterns = new(StringComparer.Ordinal)
    {
        ["date"] = Date,
        ["time"] = Clock + Zone,
        ["date-time"] = $"{Date}T{Clock}{Zone}",
        ["duration"] = $"P(?:{Times}|(?:{Years}|{Months}|{Days})(?:{Times})?|[0-9]{{1,4}}W)",
        ["uuid"] = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
        ["email"] = $"[A-Za-z0-9](?:[A-Za-z0-9_+-]{{0,30}}[A-Za-z0-9])?(?:\\.[A-Za-z0-9]{{1,10}}){{0,2}}@{Label}(?:\\.{Label}){{0,2}}\\.[A-Za-z]{{2,10}}",
        ["hostname"] = Host,
        ["ipv4"] = $"{Octet}(?:\\.{Octet}){{3}}",
        ["ipv6"] = $"(?:{Group}:){{7}}{Group}|::(?:{Group}(?::{Group}){{0,5}})?|(?:{Group}:){{1,3}}(?::{Group}){{1,4}}",
        ["uri"] = $"https?://{Host}(?::[1-9][0-9]{{0,3}})?(?:/[A-Za-z0-9._~-]{{0,60}}){{0,10}}(?:\\?[A-Za-z0-9._~=&-]{{1,100}})?(?:#[A-Za-z0-9._~-]{{1,60}})?",
        ["byte"] = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?",
    };

    /// <summary>Formats of whole numbers, with their bounds.</summary>
    public static IReadOnlyDictionary<string, (BigInteger Least, BigInteger Most)> Integers { get; } = new Dictionary<string, (BigInteger, BigInteger)>
    {
        ["int8"] = (sbyte.MinValue, sbyte.MaxValue),
        ["uint8"] = (0, byte.MaxValue),
        ["int16"] = (short.MinValue, short.MaxValue),
        ["uint16"] = (0, ushort.MaxValue),
        ["int32"] = (int.MinValue, int.MaxValue),
        ["uint32"] = (0, uint.MaxValue),
        ["int64"] = (long.MinValue, long.MaxValue),
        ["uint64"] = (0, ulong.MaxValue),
    };

    /// <summary>Formats that every number or string is of.</summary>
    public static IReadOnlySet<string> Notes { get; } = new HashSet<string>(["float", "double", "decimal", "password", "binary"]);

    /// <summary>The formats of strings.</summary>
    public static IEnumerable<string> Names => Patterns.Keys.Order(StringComparer.Ordinal);

    /// <summary>The regular expression of a format, or null.</summary>
    public static string? Find(string format) => Patterns.GetValueOrDefault(format);
}
