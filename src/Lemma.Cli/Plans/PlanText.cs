using System.Globalization;
using System.Text;
using Lemma.Cli.Display;
using Lemma.Planning;
using static Lemma.Cli.Plans.PlanAnswers;

namespace Lemma.Cli.Plans;

/// <summary>A plan as lines and tables.</summary>
internal static class PlanText
{
    private const int PictureHeight = 6, PictureWidth = 60;

    public static void Write(TextWriter output, Plan plan)
    {
        foreach (string line in PlanAnswers.Of(plan))
            output.WriteLine(line);
        if (plan.Parameters is { } parameters)
            WriteParameters(output, plan, parameters);
        if (plan.Training.Count > 0)
            WriteTraining(output, plan);
        if (plan.Serving.Count > 0)
            WriteServing(output, plan);
        if (plan.Fit is { } fit)
            WriteFit(output, plan, fit);
        if (plan.Laws.Count > 0)
            WriteLaws(output, plan);
    }

    private static void WriteParameters(TextWriter output, Plan plan, ParameterCount count)
    {
        bool hasExperts = count.Activated != count.Total;
        Table(output, $"parameters of {plan.Model!.Name}", ["part", "all", .. hasExperts ? ["of a token"] : Array.Empty<string>(), "share"],
        [
            .. count.Parts.Select(part => (string[])[NameOf(part.Part), Amount.Count(part.Total),
                .. hasExperts ? [Amount.Count(part.Activated)] : Array.Empty<string>(), Amount.Percent((double)part.Total / count.Total)]),
            ["together", Amount.Count(count.Total), .. hasExperts ? [Amount.Count(count.Activated)] : Array.Empty<string>(), ""],
        ]);
        output.WriteLine($"  the sheets' V·d + L·(4d² + 2·d·d_ff) gives {Amount.Count(plan.Sheet!.Formula)}");
        foreach (CountDifference difference in plan.Sheet.Differences)
            output.WriteLine($"    {(difference.Parameters < 0 ? "−" : "+")} {Amount.Count(Math.Abs(difference.Parameters))}: {difference.Reason}");
    }

    private static void WriteTraining(TextWriter output, Plan plan)
    {
        bool hasMasters = plan.Precision.MasterBytes > 0;
        string what = plan.Training[0].Step is { Shape.Adapter: { } adapter, Trained: var trained }
            ? $"training an adapter of rank {adapter.Rank}: {Amount.Count(trained)} parameters learn" : "training";
        Table(output, plan.Precision == TrainingPrecision.Float32 ? what : $"{what}, in {plan.Precision.Name}",
            ["batch", "length", "weights", .. hasMasters ? ["float32 copy"] : Array.Empty<string>(), "gradients", "moments", "activations",
                "together", "fits", "step", "tokens/s", "all tokens"],
            plan.Training.Select(row => (string[])[$"{row.Step.Shape.Batch}{(row.Step.Shape.Accumulate > 1 ? $" x {row.Step.Shape.Accumulate}" : "")}",
                Amount.Count(row.Step.Shape.Length), Amount.Bytes(row.Memory.Weights), .. hasMasters ? [Amount.Bytes(row.Memory.Masters)] : Array.Empty<string>(),
                Amount.Bytes(row.Memory.Gradients), Amount.Bytes(row.Memory.Moments), Amount.Bytes(row.Memory.Activations), Amount.Bytes(row.Bytes),
                row.Bytes <= plan.Memory ? "yes" : "no",
                row.Seconds is { } seconds ? Milliseconds(seconds) : "-", row.TokensPerSecond is { } speed ? Amount.Count(speed) : "-",
                row.TokensPerSecond is { } rate && plan.Tokens is { } tokens ? Time(tokens / rate) : "-"]));
        StepPlan first = plan.Training[0].Step;
        Table(output, $"operations of a step of {first.Shape.Batch} x {first.Shape.Length}", ["part", "forward", "backward", "again", "share"],
        [
            .. first.Parts.Select(part => (string[])[NameOf(part.Part), Number(part.Forward), Number(part.Backward), Number(part.Recomputation),
                Amount.Percent(part.Total / first.Operations)]),
            ["together", Number(first.Forward), Number(first.Backward), Number(first.Recomputation), ""],
        ]);
        output.WriteLine($"  {Number(first.Operations)} in all; 6·N a token gives {Number(first.SixTimesParameters)}, "
            + string.Create(CultureInfo.InvariantCulture, $"{first.SixTimesParameters / first.Operations:0.00} times that"));
        (double Batch, double Speed)[] speeds = [.. plan.Training.Where(row => row.TokensPerSecond is not null)
            .Select(row => ((double)row.Step.Shape.Batch, row.TokensPerSecond!.Value))];
        if (speeds.Length > 2)
            Bars(output, "tokens/s by row", [.. speeds.Select(one => one.Speed)]);
    }

    private static void WriteServing(TextWriter output, Plan plan)
    {
        Table(output, "serving", ["context", "users", "cache", "weights", "caches", "pass", "together", "fits", "a token", "tokens/s"],
            plan.Serving.Select(row => (string[])[Amount.Count(row.Context), Amount.Count(row.Users), row.Cache.Name, Amount.Bytes(row.WeightBytes),
                Amount.Bytes(row.CacheBytes), Amount.Bytes(row.Pass.Bytes), Amount.Bytes(row.Bytes), row.Bytes <= plan.Memory ? "yes" : "no",
                row.Seconds is { } seconds ? Milliseconds(seconds) : "-",
                row.TokensPerSecond is { } speed ? string.Create(CultureInfo.InvariantCulture, $"{speed:0.0}") : "-"]));
        output.WriteLine($"  a pass reads a prompt of {Amount.Count(plan.Serving[0].Pass.Tokens)} tokens");
        if (plan.MemoryRate is { } rate)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  memory gives {rate.Now / 1e9:0.0} GB/s now, {rate.Then / 1e9:0.0} when it was ")
                + "measured: times are for now");
        }
        output.WriteLine($"  a token keeps {Amount.Count(plan.Cache!.ElementsOfToken)} numbers"
            + string.Concat(StorageFormat.All.Select(format => $", {format.Name} {Amount.Count(plan.Cache.BytesOfToken(format))} bytes")));
    }

    private static void WriteFit(TextWriter output, Plan plan, FittedRuns fitted)
    {
        ScalingFit fit = fitted.Fit;
        (string Name, Interval Interval)[] numbers = [("E", fit.Irreducible), ("A", fit.ParameterScale), ("B", fit.TokenScale), ("α", fit.ParameterExponent),
            ("β", fit.TokenExponent)];
        Table(output, $"L = E + A/N^α + B/D^β of {fit.Runs.Count} points of {fitted.Runs} runs, which scatter by {Amount.Percent(fit.Scatter)}",
            ["", "value", "from", "to"],
            numbers.Select(one => (string[])[one.Name, Four(one.Interval.Value), Four(one.Interval.Least), Four(one.Interval.Most)]));
        if (plan is { Size: { } size, Tokens: { } tokens })
        {
            Interval loss = fit.Predict(size, tokens);
            output.WriteLine($"  {plan.Model!.Name} after {Short(tokens)} tokens: {Amount.Loss(loss.Value)}, {Amount.Loss(loss.Least)} to {Amount.Loss(loss.Most)}");
        }
    }

    private static void WriteLaws(TextWriter output, Plan plan)
    {
        Table(output, $"the best for {plan.Budget!.Text}: {Number(plan.Compute!.Value)} operations",
            ["law", "parameters", "tokens", "tokens a parameter", "loss"],
            plan.Laws.Select(row => (string[])[row.Law, Short(row.Optimum.Parameters), Short(row.Optimum.Tokens),
                string.Create(CultureInfo.InvariantCulture, $"{row.Optimum.Tokens / row.Optimum.Parameters:0.#}"), Amount.Loss(row.Optimum.Loss)]));
        output.WriteLine($"  D* ∝ N*^{Four(plan.Rule.ParameterExponent / plan.Rule.TokenExponent)}, not N^0.74, which is Kaplan's bound against overfitting: "
            + $"{Short(KaplanRule.TokensAgainstOverfitting(plan.Laws[0].Optimum.Parameters))} tokens for {Short(plan.Laws[0].Optimum.Parameters)} parameters");
        double[] losses = [.. Enumerable.Range(0, PictureWidth).Select(i => Math.Pow(10, -1 + 2.0 * i / (PictureWidth - 1)))
            .Select(times => plan.Rule.Optimum(plan.Compute.Value * times).Loss)];
        output.WriteLine();
        output.WriteLine($"the best loss from a tenth to ten times these operations, {Amount.Loss(losses[0])} to {Amount.Loss(losses[^1])}");
        foreach (string line in LossCurve.Draw(losses, PictureWidth, PictureHeight))
            output.WriteLine($"  {line.TrimEnd()}");
    }

    private static void Bars(TextWriter output, string title, double[] values)
    {
        output.WriteLine();
        output.WriteLine(title);
        foreach (string line in LossCurve.Draw([0, .. values], values.Length + 1, PictureHeight))
            output.WriteLine($"  {string.Concat(line.Skip(1).Select(block => new string(block, 4))).TrimEnd()}");
    }

    /// <summary>As in cross attention.</summary>
    public static string NameOf(ModelPart part)
    {
        StringBuilder name = new();
        foreach (char letter in part.ToString())
            name.Append(char.IsUpper(letter) && name.Length > 0 ? $" {char.ToLowerInvariant(letter)}" : char.ToLowerInvariant(letter));
        return name.ToString();
    }

    private static string Four(double value) => value.ToString("G4", CultureInfo.InvariantCulture);

    private static void Table(TextWriter output, string title, string[] heads, IEnumerable<string[]> cells)
    {
        string[][] rows = [heads, .. cells];
        int[] widths = [.. Enumerable.Range(0, heads.Length).Select(column => rows.Max(row => row[column].Length))];
        output.WriteLine();
        output.WriteLine(title);
        foreach (string[] row in rows)
        {
            IEnumerable<string> aligned = row.Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]));
            output.WriteLine($"  {string.Join("  ", aligned).TrimEnd()}");
        }
    }
}
