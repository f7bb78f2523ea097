using Lemma.Checkpoints;

namespace Lemma.Language.Serving;

/// <summary>What a model's files say of it in a few words; the weights are not read.</summary>
/// <param name="Family">Its family, such as llama.</param>
/// <param name="Parameters">How many parameters it has.</param>
/// <param name="Quantization">How most of its weights are stored, such as F32, BF16 or Q8_0; of a GGUF file that is a mix, its name, such as Q4_K_M.</param>
/// <param name="IsGguf">Whether it is a GGUF file.</param>
public sealed record ModelSummary(string Family, long Parameters, string Quantization, bool IsGguf)
{
    private const string FileType = "general.file_type";

    // Numbers of llama_ftype (llama.cpp, include/llama.h) that are mixes; of a single type the tensors say it themselves.
    private static readonly (uint Number, string Name)[] Mixes = [(10, "Q2_K"), (11, "Q3_K_S"), (12, "Q3_K_M"), (13, "Q3_K_L"), (14, "Q4_K_S"), (15, "Q4_K_M"),
        (16, "Q5_K_S"), (17, "Q5_K_M")];

    /// <summary>Reads it of a model's folder, a GGUF file, or a checkpoint of llama2.c.</summary>
    /// <exception cref="FileNotFoundException">The path is neither, or has no weights.</exception>
    /// <exception cref="InvalidDataException">A file is broken.</exception>
    public static ModelSummary Read(string path)
    {
        ModelFiles files = ModelFiles.Find(path);
        ModelContents contents = ModelContents.Read(files.Weights);
        if (contents.Tensors.Count == 0)
            throw new FileNotFoundException($"model: there are no weights in '{files.Weights}'");
        return new ModelSummary(contents.FamilyName ?? "", contents.Parameters.Sum(static parameter => parameter.Count), QuantizationOf(contents), files.IsGguf);
    }

    private static string QuantizationOf(ModelContents contents)
    {
        if (contents.Metadata.GetValueOrDefault(FileType) is uint number && Array.Find(Mixes, mix => mix.Number == number) is { Name: { } name })
            return name;
        return contents.Tensors.GroupBy(static tensor => tensor.Type).OrderByDescending(static type => type.Sum(static tensor => tensor.Count))
            .ThenBy(static type => type.Key, StringComparer.Ordinal).First().Key;
    }
}
