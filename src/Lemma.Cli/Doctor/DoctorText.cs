using System.Globalization;
using Lemma.Cli.Display;
using Lemma.Planning;

namespace Lemma.Cli.Doctor;

/// <summary>A diagnosis as lines that are read in ten seconds.</summary>
internal static class DoctorText
{
    public static void Write(TextWriter output, Diagnosis diagnosis)
    {
        Machine machine = diagnosis.Machine;
        output.WriteLine("machine");
        Rows(output,
        [
            ("processor", $"{machine.Processor}, {Processors(machine)}"),
            ("instructions", $"float32 and 16 bits: tiles of {machine.FloatInstructions}; quantized: {machine.QuantizedInstructions}"),
            (".NET", $"{machine.Runtime}, compiled {(machine.IsAheadOfTime ? "ahead of time" : "at run time")}"
                + $"{(machine.IsOptimized ? "" : ", not optimized")}, {(machine.IsServerCollector ? "server's" : "workstation's")} collector"),
            .. machine.Settings.Count == 0 ? Array.Empty<(string, string)>()
                : [("set", string.Join(", ", machine.Settings.Select(one => $"{one.Name}={one.Value}")))],
            ("memory", Memory(machine)),
            ("system", $"{machine.System}{(machine.Governor is { } governor ? $", frequencies by '{governor}'" : "")}"
                + $"{(machine.LoadAverage is { } load ? string.Create(CultureInfo.InvariantCulture, $", load {load:0.0}") : "")}"),
        ]);
        WriteMeasured(output, diagnosis.Measured);
        if (diagnosis.Model is { } model)
            WriteModel(output, machine, model);
        WriteFindings(output, diagnosis.Findings);
        if (machine.NotKnown.Count > 0)
        {
            output.WriteLine();
            output.WriteLine($"not known here: {string.Join("; ", machine.NotKnown)}");
        }
    }

    private static string Processors(Machine machine) =>
        $"{machine.Processors} processors{(machine.Cores is { } cores ? $" on {cores} cores" : "")}, {machine.Threads} threads in use"
        + (machine.ProcessorLimit is { } limit ? string.Create(CultureInfo.InvariantCulture, $", a limit of {limit:0.##} processors") : "");

    private static string Memory(Machine machine) => $"{Amount.Bytes(machine.Memory)}{(machine.FreeMemory is { } free ? $", {Amount.Bytes(free)} free" : "")}"
        + $"{(machine.MemoryLimit is { } limit ? $", a limit of {Amount.Bytes(limit)}" : "")}"
        + (machine.LargePages switch
        {
            null => "",
            "always" => ", large pages",
            "madvise" => ", large pages where asked for, as Lemma does",
            _ => ", no large pages",
        });

    private static void WriteMeasured(TextWriter output, Measured measured)
    {
        (MachineRates one, MachineRates all) = (measured.One, measured.All);
        bool hasSeveral = all.Threads > 1;
        (string Name, Func<MachineRates, double> Of, bool IsOfPeak, string Unit)[] kinds =
        [
            ("peak of float32", rates => rates.PeakOperations, false, "GFLOP/s"),
            ("product 1024 x 1024 x 1024", rates => rates.ProductOperations, true, "GFLOP/s"),
            ("attention over 1024", rates => rates.AttentionOperations, true, "GFLOP/s"),
            ("product of 8 bits", rates => rates.QuantizedOperations, false, "GOP/s"),
            ("memory read", rates => rates.MemoryBytes, false, "GB/s"),
        ];
        List<string[]> rows = [["measured", "1 thread", .. hasSeveral ? [$"{all.Threads} threads", "times"] : Array.Empty<string>(), "", "of the peak"]];
        foreach ((string name, Func<MachineRates, double> of, bool isOfPeak, string unit) in kinds)
        {
            rows.Add([$"  {name}", Tenth(of(one) / 1e9), .. hasSeveral ? [Tenth(of(all) / 1e9), Tenth(measured.Scale(of))] : Array.Empty<string>(), unit,
                isOfPeak ? Shares(of(one) / one.PeakOperations, hasSeveral ? of(all) / all.PeakOperations : null) : ""]);
        }
        output.WriteLine();
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
        {
            IEnumerable<string> cells = row.Select((cell, column) => column == 0 || column >= row.Length - 2 ? cell.PadRight(widths[column])
                : cell.PadLeft(widths[column]));
            output.WriteLine(string.Join("  ", cells).TrimEnd());
        }
    }

    private static void WriteModel(TextWriter output, Machine machine, ModelSpeed model)
    {
        output.WriteLine();
        output.WriteLine($"model {model.Name}");
        long need = model.WeightBytes + model.Cache.Bytes;
        Rows(output,
        [
            ("weights", $"{Amount.Count(model.Parameters)}: {string.Join(", ", model.Formats.Select(format => $"{format.Format} {Amount.Bytes(format.Bytes)}"))}"),
            ("memory", $"{Amount.Bytes(need)} with the cache of {Amount.Count(model.Cache.Length)} tokens; "
                + (need <= machine.Room ? "it fits" : "it does not fit")),
            ("decoding", string.Create(CultureInfo.InvariantCulture, $"{model.TokensPerSecond:0.0} tokens/s, {Amount.Percent(model.ShareOfFloor)} of the ")
                + string.Create(CultureInfo.InvariantCulture, $"{model.Floor:0.0} that reading {Amount.Bytes(model.ReadBytes)} a token allows")
                + $"{(model.ShareOfFloor > 1 ? " (caches hold a part)" : "")}"),
            ("first token", string.Create(CultureInfo.InvariantCulture, $"about {model.FirstToken.Seconds:0.00} s ")
                + $"behind a prompt of {model.FirstToken.Tokens} tokens, by one of {model.PromptRead}"),
            .. model.Others.Select(other => ($"as {other.Type}",
                string.Create(CultureInfo.InvariantCulture, $"about {other.TokensPerSecond:0.0} tokens/s, {Amount.Bytes(other.Bytes)}"))),
        ]);
    }

    private static void WriteFindings(TextWriter output, IReadOnlyList<Finding> findings)
    {
        output.WriteLine();
        output.WriteLine(findings.Any(finding => finding.Severity != Severity.Note) ? "what would be faster" : "nothing here makes Lemma slower than it could be");
        foreach (Finding finding in findings)
            output.WriteLine($"  {NameOf(finding.Severity),-7} {finding.Reason}: {finding.Remedy}");
    }

    /// <summary>As lines and programs name it.</summary>
    public static string NameOf(Severity severity) => severity switch { Severity.Slower => "slower", Severity.Unsure => "unsure", _ => "note" };

    private static void Rows(TextWriter output, IReadOnlyList<(string Name, string Value)> rows)
    {
        int width = rows.Max(row => row.Name.Length);
        foreach ((string name, string value) in rows)
            output.WriteLine($"  {name.PadRight(width)}  {value}");
    }

    private static string Shares(double one, double? all) => all is { } several ? $"{Amount.Percent(one)}, {Amount.Percent(several)}" : Amount.Percent(one);

    private static string Tenth(double value) => value.ToString("0.0", CultureInfo.InvariantCulture);
}
