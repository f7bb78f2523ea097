using BenchmarkDotNet.Running;

// dotnet run --project bench/Lemma.Bench -c Release -- speed docs/formulas/measured.tsv   every formula beside its twin and its floor, 5 minutes
// dotnet run --project bench/Lemma.Bench -c Release -- --filter "*FormulaSpeed*"         the same by the full machinery of BenchmarkDotNet
if (args is ["speed", string path])
    Lemma.Bench.SpeedTable.Run(path);
else
    BenchmarkSwitcher.FromAssembly(typeof(Lemma.Bench.FormulaSpeed).Assembly).Run(args);
