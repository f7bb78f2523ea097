using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Lemma.Cli.Display;
using Lemma.Cli.FormulaPages;
using Lemma.Cli.Parsing;
using Lemma.Formulas;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma formulas</c>: the catalogue, its pages, evaluations on given numbers, and checks of golden cases.</summary>
internal static class FormulasCommand
{
    public static Command Build()
    {
        Argument<string?> name = new("NAME") { Description = "A formula; all of them without it", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> input = Choice.Text("--input", "JSON", "Evaluate on these inputs: lists of numbers and attributes by name");
        Option<bool> gradient = Choice.Flag("--gradient", "Give the gradients of the inputs as well");
        Option<bool> json = Choice.Flag("--json", "Write JSON");
        Option<string?> check = Choice.Text("--check", "FILE", "Run a file of golden cases");
        Option<string?> pages = Choice.Text("--write-pages", "FOLDER", "Write the pages of every formula");
        Command command = new("formulas", "Show, evaluate and check the formulas.") { name, input, gradient, json, check, pages };
        Examples.Add(command,
            ("every formula by group", "lemma formulas"),
            ("the page of one", "lemma formulas softmax"),
            ("on numbers of your own, with gradients",
                "lemma formulas softmax --input '{\"x\": [1, 2, 3], \"temperature\": 0.7}' --gradient"),
            ("against golden cases", "lemma formulas --check ops.json"));
        command.SetAction(parsed => Run(parsed.GetValue(name), parsed.GetValue(input), parsed.GetValue(gradient), parsed.GetValue(json),
            parsed.GetValue(check), parsed.GetValue(pages)));
        return command;
    }

    private static int Run(string? name, string? input, bool gradient, bool json, string? check, string? pages)
    {
        if (check is not null && (name ?? input ?? pages) is not null)
            throw new UsageException("--check takes no formula, no --input and no --write-pages");
        if (name is null && input is not null)
            throw new UsageException("--input needs the name of a formula");
        if (gradient && input is null)
            throw new UsageException("--gradient needs --input");
        if (check is not null)
            return Check(check);
        if (pages is not null)
            return WritePages(pages);
        if (name is null)
            return List(json);
        Formula formula = FormulaIndex.Find(name);
        if (input is not null)
            return Evaluate(formula, input, gradient, json);
        if (json)
            WriteJson(writer => Describe(writer, formula));
        else
        {
            foreach (string line in FormulaPage.Lines(formula, Terminal.Width))
                Console.WriteLine(line);
        }
        return CommandLine.Done;
    }

    private static int List(bool json)
    {
        if (json)
        {
            WriteJson(writer =>
            {
                writer.WriteStartArray();
                foreach (Formula formula in FormulaIndex.All)
                    Describe(writer, formula);
                writer.WriteEndArray();
            });
            return CommandLine.Done;
        }
        int width = FormulaIndex.All.Max(formula => formula.Name.Length);
        foreach (string group in FormulaIndex.Groups)
        {
            Console.WriteLine(group);
            foreach (Formula formula in FormulaIndex.All.Where(formula => formula.Group == group))
                Console.WriteLine($"  {formula.Name.PadRight(width)}  {formula.Text}");
            Console.WriteLine();
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{FormulaIndex.All.Count} formulas; 'lemma formulas NAME' shows one."));
        return CommandLine.Done;
    }

    private static int Check(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"golden: there is no file '{path}'");
        int passed = 0, failed = 0;
        foreach (GoldenCase one in GoldenFile.Read(path))
        {
            GoldenResult result = one.Check();
            (passed, failed) = result.Passed ? (passed + 1, failed) : (passed, failed + 1);
            string gradients = one.Gradients.Count == 0 ? "" : string.Create(CultureInfo.InvariantCulture,
                $"  gradients {result.GradientError:0.0E+00}");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{(result.Passed ? "passed" : "FAILED")}  {one.Formula,-34} error {result.Error:0.0E+00}{gradients,-21}  {one.Describe()}"
                + $"{(result.Passed ? "" : ": " + result.Problem)}").TrimEnd());
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{passed} passed, {failed} failed"));
        return failed == 0 ? CommandLine.Done : CommandLine.Failed;
    }

    private static int WritePages(string folder)
    {
        Directory.CreateDirectory(folder);
        IReadOnlyDictionary<string, string> files = FormulaPage.Files(FormulaSpeed.Read(folder));
        foreach ((string name, string text) in files)
            File.WriteAllText(Path.Combine(folder, name), text);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{files.Count} files in {folder}"));
        return CommandLine.Done;
    }

    private static int Evaluate(Formula formula, string input, bool gradient, bool json)
    {
        if (gradient && !formula.IsDifferentiable)
            throw new ArgumentException($"{formula.Name}: it has no gradient ({formula.Gradient})");
        (IReadOnlyDictionary<string, Values> inputs, IReadOnlyDictionary<string, object> attributes) = GoldenFile.ReadInputs(input);
        FormulaCall call = new(formula.Name, inputs, attributes, gradient);
        Values output = formula.Evaluate(call);
        if (json)
        {
            WriteJson(writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("op", formula.Name);
                writer.WritePropertyName("output");
                Write(writer, output);
                if (gradient)
                {
                    writer.WriteStartObject("grads");
                    foreach ((string name, Values values) in call.Gradients)
                    {
                        writer.WritePropertyName(name);
                        Write(writer, values);
                    }
                    writer.WriteEndObject();
                }
                writer.WriteEndObject();
            });
            return CommandLine.Done;
        }
        Console.WriteLine($"{formula.Name}  {formula.Text}");
        Console.WriteLine($"  output {output}: {Numbers(output)}");
        foreach ((string name, Values values) in call.Gradients)
            Console.WriteLine($"  gradient of {name} {values}: {Numbers(values)}");
        return CommandLine.Done;
    }

    private static string Numbers(Values values) => string.Join(", ",
        values.Data.Select(value => value.ToString("R", CultureInfo.InvariantCulture)));

    private static void Describe(Utf8JsonWriter writer, Formula formula)
    {
        writer.WriteStartObject();
        writer.WriteString("name", formula.Name);
        writer.WriteString("group", formula.Group);
        writer.WriteString("formula", formula.Text);
        writer.WriteString("latex", formula.Latex);
        writer.WriteString("shapes", formula.Shapes);
        writer.WriteString("symbols", formula.Symbols);
        writer.WriteString("gradient", formula.Gradient);
        writer.WriteString("notes", formula.Notes);
        writer.WriteString("source", formula.Source);
        writer.WriteString("example", formula.Example);
        writer.WriteEndObject();
    }

    // Numbers that JSON cannot hold are words, as in golden files.
    private static void Write(Utf8JsonWriter writer, Values values)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("shape");
        foreach (int size in values.Shape)
            writer.WriteNumberValue(size);
        writer.WriteEndArray();
        writer.WriteStartArray("data");
        foreach (float value in values.Data)
        {
            if (float.IsFinite(value))
                writer.WriteNumberValue(value);
            else
                writer.WriteStringValue(float.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteJson(Action<Utf8JsonWriter> write)
    {
        using MemoryStream stream = new();
        JsonWriterOptions options = new()
        {
            Indented = true,
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping
        };
        using (Utf8JsonWriter writer = new(stream, options))
            write(writer);
        Console.WriteLine(Encoding.UTF8.GetString(stream.ToArray()));
    }
}
