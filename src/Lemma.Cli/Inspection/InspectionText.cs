using System.Collections;
using System.Globalization;
using System.Text.RegularExpressions;
using Lemma.Checkpoints;
using Lemma.Cli.Display;
using Lemma.Formats;

namespace Lemma.Cli.Inspection;

/// <summary>A model's contents in lines that fit a width.</summary>
internal sealed partial class InspectionText(TextWriter output, int width)
{
    private const int LeastForBytes = 60, Indent = 2;

    public void Write(Inspected inspected)
    {
        ModelContents contents = inspected.Contents;
        Line(contents.Path);
        if (contents.Config is null)
        {
            WriteTypes(inspected);
            WriteTensors(contents);
            return;
        }
        Line($"  {"family",-10}  {contents.FamilyName}, {inspected.Kind}");
        Line($"  {"parameters",-10}  {Amount.Count(inspected.Parameters)}, {Bytes(4 * inspected.Parameters)} as float32");
        Line($"  {"vocabulary",-10}  {Amount.Count(contents.Config.VocabularySize)} ids");
        Line($"  {"longest",-10}  {Amount.Count(contents.Config.MaximumLength)} tokens");
        if (contents.HasState)
        {
            int longest = contents.Config.MaximumLength;
            Line($"  {"cache",-10}  {Bytes(contents.StateBytes(192) / 192)} a token");
            Line($"  {"",-10}  {Bytes(contents.StateBytes(longest))} at {Amount.Count(longest)} tokens");
        }
        Line($"  {"tokenizer",-10}  {(inspected.Tokenizer is { } tokenizer ? $"{inspected.TokenizerKind}, {Amount.Count(tokenizer.VocabularySize)} ids"
            : inspected.TokenizerFault ?? "none")}");
        Line($"  {"template",-10}  {(inspected.HasTemplate ? "yes" : "no")}");
        WriteTypes(inspected);
        Line("");
        Columns("parts", "", "parameters", "bytes");
        foreach (PartTree part in PartTree.Of(contents.Parameters).Parts)
            WritePart(part, 1);
        if (contents.Places.Count > 0)
            WritePlaces(contents.Places);
    }

    private void WriteTypes(Inspected inspected)
    {
        foreach ((string type, int tensors, long elements, long bytes) in inspected.Types)
            Line($"  {type,-10}  {Amount.Count(tensors)} tensors, {Amount.Count(elements)} elements, {Bytes(bytes)}");
    }

    private void WritePart(PartTree part, int depth)
    {
        string times = part.Times > 1 ? $" (× {part.Times})" : "";
        Columns(new string(' ', Indent * depth) + part.Name + times, part.Own, Amount.Count(part.Count), Bytes(4 * part.Count));
        foreach (PartTree inner in part.Parts)
            WritePart(inner, depth + 1);
    }

    private void WriteTensors(ModelContents contents)
    {
        Line("");
        foreach (TensorEntry tensor in contents.Tensors)
            Columns($"  {tensor.Name}", $"{tensor.Type} {tensor.ShapeText}", Amount.Count(tensor.Count), Bytes(tensor.Bytes));
        if (contents.Metadata.Count == 0)
            return;
        Line("");
        Line("metadata");
        foreach ((string name, object value) in contents.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            Line($"  {name} = {Shown(value)}");
    }

    // Layers differ in their numbers alone: each kind of tensor stands there once.
    private void WritePlaces(IReadOnlyList<TensorPlace> places)
    {
        Line("");
        Line("tensors of the file → parameters");
        // Experts lie one after the other in one parameter: their rows differ.
        foreach (IGrouping<(string, string, int, int), TensorPlace> group in places.GroupBy(place => (Starred(place.Tensor.Name), Starred(place.Parameter),
            IsOneOfMany(place) ? -1 : place.FirstRow, place.Rows)))
        {
            TensorPlace place = group.First();
            bool isWhole = place.FirstRow == 0 && places.Count(other => other.Parameter == place.Parameter) == 1, isOne = group.Count() == 1;
            string from = $"  {(isOne ? place.Tensor.Name : group.Key.Item1)} {place.Tensor.ShapeText}";
            string to = $"→ {(isOne ? place.Parameter : group.Key.Item2)}"
                + (isWhole ? "" : group.Key.Item3 < 0 ? $" {place.Rows} rows each"
                    : string.Create(CultureInfo.InvariantCulture, $" rows {place.FirstRow}–{place.FirstRow + place.Rows - 1}"))
                + (place.IsTransposed ? " transposed" : "") + (isOne ? "" : $" (× {group.Count()})");
            if (from.Length + 1 + to.Length <= width)
            {
                Line($"{from} {to}");
                continue;
            }
            Line(from);
            Line($"    {to}");
        }
    }

    // Name, details where there is room, and one or two numbers at the right.
    private void Columns(string name, string details, string parameters, string bytes)
    {
        string numbers = parameters.PadLeft(15) + (width >= LeastForBytes ? bytes.PadLeft(12) : "");
        int room = Math.Min(width, 120) - numbers.Length;
        string left = details.Length > 0 && name.Length + 2 + details.Length < room ? $"{name}  {details}" : name;
        Line(Fitted(left, room).PadRight(room) + numbers);
    }

    private void Line(string text) => output.WriteLine(Fitted(text, width));

    // The end of a name says more than its start.
    private static string Fitted(string text, int most)
    {
        if (text.Length <= most)
            return text;
        int indent = text.Length - text.TrimStart().Length;
        return $"{text[..indent]}…{text[(text.Length - most + indent + 1)..]}";
    }

    private static string Bytes(long bytes) => bytes switch
    {
        < 10_000 => $"{Amount.Count(bytes)} B",
        < 10_000_000 => $"{Amount.Count(bytes / 1000)} kB",
        < 10_000_000_000 => $"{Amount.Count(bytes / 1_000_000)} MB",
        _ => $"{Amount.Count(bytes / 1_000_000_000)} GB",
    };

    private static string Shown(object value) => value switch
    {
        string text => text.ReplaceLineEndings(" "),
        ICollection list => $"[{list.Count} values]",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static bool IsOneOfMany(TensorPlace place) => place.Tensor.Name.Contains(".experts.", StringComparison.Ordinal);

    private static string Starred(string name) => Number().Replace(name, ".*.");

    [GeneratedRegex(@"\.[0-9]+\.")]
    private static partial Regex Number();
}
