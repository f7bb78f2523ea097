using BenchmarkDotNet.Running;

// dotnet run --project bench/Lemma.Bench -c Release -- --filter "*MatrixProduct*"     (--list flat names them all)
BenchmarkSwitcher.FromAssembly(typeof(Lemma.Bench.MatrixProducts).Assembly).Run(args);
