namespace Lemma.Text.Patterns;

/// <summary>The properties of characters that patterns name, and case folding, as Hugging Face's tokenizers has them.</summary>
/// <remarks>bench/unicode/make_properties.py writes the tables. Names are compared without case, spaces, "-" and "_".</remarks>
internal static class CharacterProperties
{
    // In the order of the file.
    private static readonly string[] Categories = ["lu", "ll", "lt", "lm", "lo", "mn", "mc", "me", "nd", "nl", "no", "pc", "pd", "ps", "pe",
        "pi", "pf", "po", "sm", "sc", "sk", "so", "zs", "zl", "zp", "cc", "cf", "cs", "co"];

    private static readonly (string Name, string Long)[] LongNames = [("l", "letter"), ("m", "mark"), ("m", "combiningmark"), ("n", "number"),
        ("p", "punctuation"), ("s", "symbol"), ("z", "separator"), ("c", "other"), ("lc", "casedletter"), ("lu", "uppercaseletter"),
        ("ll", "lowercaseletter"), ("lt", "titlecaseletter"), ("lm", "modifierletter"), ("lo", "otherletter"), ("mn", "nonspacingmark"),
        ("mc", "spacingmark"), ("me", "enclosingmark"), ("nd", "decimalnumber"), ("nl", "letternumber"), ("no", "othernumber"),
        ("pc", "connectorpunctuation"), ("pd", "dashpunctuation"), ("ps", "openpunctuation"), ("pe", "closepunctuation"),
        ("pi", "initialpunctuation"), ("pf", "finalpunctuation"), ("po", "otherpunctuation"), ("sm", "mathsymbol"), ("sc", "currencysymbol"),
        ("sk", "modifiersymbol"), ("so", "othersymbol"), ("zs", "spaceseparator"), ("zl", "lineseparator"), ("zp", "paragraphseparator"),
        ("cc", "control"), ("cf", "format"), ("cs", "surrogate"), ("co", "privateuse"), ("cn", "unassigned")];

    /// <summary>The name of what \w and \b take for words outside of brackets.</summary>
    public const string WordOrLatinNumber = "\\w";

    private static readonly Dictionary<string, CharacterSet> Sets = new(StringComparer.Ordinal);

    static CharacterProperties()
    {
        using Stream stream = typeof(CharacterProperties).Assembly.GetManifestResourceStream("properties.bin")
            ?? throw new InvalidOperationException("pattern: the assembly must hold the tables of properties, but does not");
        using BinaryReader reader = new(stream);
        ReadCategories(reader);
        for (int left = reader.Read7BitEncodedInt(); left > 0; left--)
        {
            string[] names = new string[reader.Read7BitEncodedInt()];
            for (int i = 0; i < names.Length; i++)
                names[i] = Plain(reader.ReadString());
            List<(int, int)> ranges = [];
            for (int runs = reader.Read7BitEncodedInt(), code = 0; runs > 0; runs--)
            {
                int first = code + reader.Read7BitEncodedInt();
                code = first + reader.Read7BitEncodedInt();
                ranges.Add((first, code - 1));
            }
            CharacterSet set = CharacterSet.Of(ranges);
            foreach (string name in names)
                Sets.TryAdd(name, set);
        }
        Sets[WordOrLatinNumber] = Sets["word"].Union(CharacterSet.Of([(0xB2, 0xB3), (0xB9, 0xB9), (0xBC, 0xBE)]));
        CaseFolding = new CaseFolding(reader);
    }

    /// <summary>How characters are compared where case is ignored.</summary>
    public static CaseFolding CaseFolding { get; }

    /// <summary>The set that a name has, in brackets or outside of them, or null.</summary>
    public static CharacterSet? Find(string name, bool isInClass)
    {
        string plain = Plain(name);
        return Sets.GetValueOrDefault(plain == "word" && !isInClass ? WordOrLatinNumber : plain);
    }

    /// <summary>The set of a name that is in the tables.</summary>
    public static CharacterSet Get(string name) => Sets[name];

    private static void ReadCategories(BinaryReader reader)
    {
        List<(int, int)>[] ranges = [.. Categories.Select(static _ => new List<(int, int)>())];
        for (int runs = reader.Read7BitEncodedInt(), code = 0; runs > 0; runs--)
        {
            int first = code + reader.Read7BitEncodedInt();
            code = first + reader.Read7BitEncodedInt();
            ranges[reader.Read7BitEncodedInt()].Add((first, code - 1));
        }
        CharacterSet assigned = CharacterSet.Of(ranges.SelectMany(static list => list));
        (Sets["any"], Sets["assigned"], Sets["cn"]) = (CharacterSet.All, assigned, assigned.Complement());
        for (int i = 0; i < Categories.Length; i++)
            Sets[Categories[i]] = CharacterSet.Of(ranges[i]);
        foreach (string first in (ReadOnlySpan<string>)["l", "m", "n", "p", "s", "z", "c"])
            Sets[first] = CharacterSet.Of(Categories.Append("cn").Where(name => name[0] == first[0])
                .SelectMany(static name => Sets[name].Ranges.ToArray()));
        Sets["lc"] = Sets["lu"].Union(Sets["ll"]).Union(Sets["lt"]);
        foreach ((string name, string longName) in LongNames)
            Sets[longName] = Sets[name];
    }

    private static string Plain(string name) =>
        string.Concat(name.Where(static c => c is not (' ' or '-' or '_'))).ToLowerInvariant();
}
