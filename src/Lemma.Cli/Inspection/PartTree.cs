using Lemma.Weights;

namespace Lemma.Cli.Inspection;

/// <summary>A part of a model: its own parameters, the parts inside it, and how many equal ones it stands for.</summary>
internal sealed class PartTree
{
    private readonly List<PartTree> parts = [];
    private readonly List<Parameter> own = [];

    private PartTree(string name) => Name = name;

    /// <summary>Its name; of several equal parts the first and last number.</summary>
    public string Name { get; private set; }

    /// <summary>How many equal parts it stands for.</summary>
    public int Times { get; private set; } = 1;

    public IReadOnlyList<PartTree> Parts => parts;

    /// <summary>The elements of all parts that it stands for.</summary>
    public long Count => Times * (own.Sum(parameter => parameter.Count) + parts.Sum(part => part.Count));

    /// <summary>As in <c>weight [96, 32], bias [96]</c>.</summary>
    public string Own => string.Join(", ", own.Select(parameter => $"{parameter.Name[(parameter.Name.LastIndexOf('.') + 1)..]} {parameter.Shape}"));

    /// <summary>The tree of the names of parameters; neighbours with numbers for names that are equal inside are one part.</summary>
    public static PartTree Of(IEnumerable<Parameter> parameters)
    {
        PartTree root = new("");
        foreach (Parameter parameter in parameters)
        {
            PartTree at = root;
            foreach (string name in parameter.Name.Split('.')[..^1])
            {
                if (at.parts.Find(part => part.Name == name) is not { } inner)
                    at.parts.Add(inner = new PartTree(name));
                at = inner;
            }
            at.own.Add(parameter);
        }
        root.Collapse();
        return root;
    }

    // Parts are equal when everything inside has the same names and shapes.
    private string Collapse()
    {
        List<PartTree> all = [.. parts];
        parts.Clear();
        string inside = Own, last = "";
        string first = "";
        foreach (PartTree part in all)
        {
            string signature = part.Collapse();
            inside += $";{part.Name}({signature})";
            if (parts.Count > 0 && signature == last && IsNumber(part.Name) && IsNumber(first))
            {
                parts[^1].Times++;
                parts[^1].Name = $"{first}–{part.Name}";
                continue;
            }
            (first, last) = (part.Name, signature);
            parts.Add(part);
        }
        return inside;
    }

    private static bool IsNumber(string name) => name.All(char.IsAsciiDigit);
}
