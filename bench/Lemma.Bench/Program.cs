using BenchmarkDotNet.Running;

// dotnet run --project bench/Lemma.Bench -c Release -- speed docs/formulas/measured.tsv             every formula beside its twin and its floor
// dotnet run --project bench/Lemma.Bench -c Release -- speed docs/formulas/measured.tsv dpo kto     these alone; other rows of the file stay
// dotnet run --project bench/Lemma.Bench -c Release -- folders FROM TO                              every model below FROM, read and written again
// dotnet run --project bench/Lemma.Bench -c Release -- plan                                         planned times and memory beside measured ones
// dotnet run --project bench/Lemma.Bench -c Release -- plan FILE                                    the same by what was measured once and is kept there
// dotnet run --project bench/Lemma.Bench -c Release -- quantized                                    products with quantized weights, one thread
// dotnet run --project bench/Lemma.Bench -c Release -- family                                       a law of five sizes beside a sixth
// dotnet run --project bench/Lemma.Bench -c Release -- --filter "*FormulaSpeed*"                   by the full machinery of BenchmarkDotNet
if (args is ["speed", string path, .. string[] names])
    Lemma.Bench.SpeedTable.Run(path, names);
else if (args is ["folders", string from, string to])
    Lemma.Bench.WrittenFolders.Run(from, to);
else if (args is ["plan", .. { Length: < 2 } file])
    return Lemma.Bench.PlanCheck.Run(file.Length > 0 ? file[0] : null);
else if (args is ["quantized"])
    Lemma.Bench.QuantizedProducts.Run();
else if (args is ["family"])
    return Lemma.Bench.FamilyCheck.Run();
else
    BenchmarkSwitcher.FromAssembly(typeof(Lemma.Bench.FormulaSpeed).Assembly).Run(args);
return 0;
