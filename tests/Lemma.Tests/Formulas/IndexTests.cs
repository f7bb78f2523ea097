using System.Reflection;
using Lemma.Cli.FormulaPages;
using Lemma.Formulas;
using Lemma.Tests.Architecture;

namespace Lemma.Tests.Formulas;

/// <summary>The index has every formula of the code and every row of the catalogue, and its pages are current.</summary>
public class IndexTests
{
    public static TheoryData<string> Names => [.. FormulaIndex.All.Select(formula => formula.Name)];

    [Fact]
    public void EveryDeclaredFormulaIsInTheIndex()
    {
        string[] declared = [.. typeof(Formula).Assembly.GetTypes()
            .SelectMany(type => type.GetProperties(BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly))
            .Where(property => property.PropertyType == typeof(Formula)).Select(property => ((Formula)property.GetValue(null)!).Name)];
        Assert.Equal(declared.Order(StringComparer.Ordinal),
            FormulaIndex.All.Select(formula => formula.Name).Order(StringComparer.Ordinal));
        Assert.Equal(declared.Length, declared.Distinct().Count());
    }

    [Fact]
    public void EveryRowOfTheCatalogueHasAFormula() =>
        Assert.Equal(CatalogueNames.All.Order(StringComparer.Ordinal),
            FormulaIndex.All.Select(formula => formula.Name).Order(StringComparer.Ordinal));

    [Theory, MemberData(nameof(Names))]
    public void AFormulaIsDescribedAndItsExampleEvaluates(string name)
    {
        Formula formula = FormulaIndex.Find(name);
        Assert.All(new[] { formula.Group, formula.Text, formula.Latex, formula.Shapes, formula.Symbols, formula.Source, formula.Gradient,
            formula.Example },
            text => Assert.False(string.IsNullOrWhiteSpace(text)));
        FormulaExample example = new(formula.Example);
        FormulaCall call = new(name, example.Inputs, example.Attributes, formula.IsDifferentiable);
        Values output = formula.Evaluate(call);
        Assert.True(output.Count > 0);
        Assert.All(output.Data, value => Assert.True(float.IsFinite(value)));
        Assert.Equal(formula.IsDifferentiable, call.Gradients.Count > 0);
        Assert.Equal(output.Data, formula.Run(example.Inputs, example.Attributes).Data);
    }

    [Fact]
    public void PagesAreCurrent()
    {
        string folder = Path.Combine(Repository.Root, "docs", "formulas");
        IReadOnlyDictionary<string, FormulaSpeed> speeds = FormulaSpeed.Read(folder);
        // No row of the catalogue without its file, page, check and benchmark; the twins have a test of their own.
        Assert.Equal(FormulaIndex.All.Select(formula => formula.Name).Order(StringComparer.Ordinal), speeds.Keys.Order(StringComparer.Ordinal));
        Assert.All(speeds.Values, speed => Assert.True(speed is { Forward: > 0, Twin: > 0, Floor: > 0 }));
        ILookup<string, GoldenCase> cases = new[] { "ops.json", "more.json" }
            .SelectMany(name => GoldenFile.Read(Path.Combine(AppContext.BaseDirectory, "Golden", name))).ToLookup(one => one.Formula);
        Assert.All(speeds, pair => Assert.Equal(cases[pair.Key].Count(), pair.Value.Golden));
        IReadOnlyDictionary<string, string> expected = FormulaPage.Files(speeds);
        Assert.Equal(expected.Keys.Append(FormulaSpeed.FileName).Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(folder).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal));
        Assert.All(expected, file => Assert.Equal(file.Value, File.ReadAllText(Path.Combine(folder, file.Key))));
    }
}
