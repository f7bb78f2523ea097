using System.Globalization;
using Lemma.Formats;

namespace Lemma.Checkpoints;

/// <summary>Which tensor of a model is stored how in a GGUF file: one type for all matrices, or a mix that gives some of them more bits.</summary>
/// <remarks>
/// Vectors, norms, positions, token types and routers stay float32. The mixes are llama.cpp's (llama-quant.cpp): the head, and in Q4_K_M and Q5_K_M the
/// values of attention and the last matrix of the feed-forward in half of the blocks, have Q6_K. Rows that hold no whole blocks take a type with smaller
/// ones.
/// </remarks>
public sealed class GgufMix
{
    private const string Mixed4 = "Q4_K_M", Mixed5 = "Q5_K_M";

    // Numbers of llama_ftype.
    private static readonly (string Name, string Matrices, uint FileType)[] Known = [("F32", "F32", 0), ("F16", "F16", 1), ("BF16", "BF16", 32), ("Q8_0", "Q8_0", 7),
        ("Q4_0", "Q4_0", 2), ("Q4_K", "Q4_K", 14), ("Q6_K", "Q6_K", 18), (Mixed4, "Q4_K", 15), (Mixed5, "Q5_K", 17)];

    // What is never a product's matrix, or too small to gain anything.
    private static readonly string[] Kept = ["_norm.weight", "ffn_gate_inp.weight", "ffn_gate_inp_shexp.weight", "position_embd.weight",
        "token_types.weight", "_rel_b.weight", "ssm_conv1d.weight", "shortconv.conv.weight"];

    private readonly string matrices;

    private GgufMix(string name, string matrices, uint fileType) => (Name, this.matrices, FileType) = (name, matrices, fileType);

    /// <summary>Its name, as <c>llama-quantize</c> takes it.</summary>
    public string Name { get; }

    /// <summary>The names of all.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Known.Select(one => one.Name)];

    /// <summary>What <c>general.file_type</c> says.</summary>
    internal uint FileType { get; }

    private bool IsRounded => matrices is not ("F32" or "F16" or "BF16");

    /// <summary>The mix of a name, in any case of letters.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static GgufMix Find(string name)
    {
        foreach ((string known, string matrices, uint fileType) in Known)
        {
            if (string.Equals(known, name, StringComparison.OrdinalIgnoreCase))
                return new GgufMix(known, matrices, fileType);
        }
        throw new ArgumentException($"gguf: a model is written as {string.Join(", ", Names)}, not as '{name}'");
    }

    /// <summary>The type of a tensor.</summary>
    /// <param name="name">Its name in the file.</param>
    /// <param name="sizes">Its sizes.</param>
    /// <param name="blocks">The blocks of the model.</param>
    /// <param name="experts">The experts of a block; 0 for none.</param>
    /// <param name="hasHead">Whether the head is a matrix of its own.</param>
    internal string TypeOf(string name, IReadOnlyList<int> sizes, int blocks, int experts, bool hasHead)
    {
        if (sizes.Count < 2 || !name.EndsWith(".weight", StringComparison.Ordinal) || Array.Exists(Kept, end => name.EndsWith(end, StringComparison.Ordinal)))
            return "F32";
        return Fitting(IsRounded ? Chosen(name, blocks, experts, hasHead) : matrices, sizes[^1]);
    }

    private string Chosen(string name, int blocks, int experts, bool hasHead)
    {
        if (name == "output.weight" || (name == "token_embd.weight" && !hasHead))
            return matrices == "Q8_0" ? "Q8_0" : "Q6_K";
        // Of a model with eight experts these are small beside the others.
        if (experts == 8 && (name.EndsWith("attn_v.weight", StringComparison.Ordinal) || name.EndsWith("attn_k.weight", StringComparison.Ordinal)) && IsK)
            return "Q8_0";
        if (Name is not (Mixed4 or Mixed5))
            return matrices;
        if (name.EndsWith("attn_qkv.weight", StringComparison.Ordinal))
            return Name == Mixed4 ? "Q5_K" : "Q6_K";
        if (name.EndsWith("attn_output.weight", StringComparison.Ordinal) && experts == 8 && Name == Mixed4)
            return "Q5_K";
        bool isImportant = name.EndsWith("attn_v.weight", StringComparison.Ordinal) || name.Contains(".ffn_down", StringComparison.Ordinal);
        return isImportant && HasMoreBits(BlockOf(name), blocks) ? "Q6_K" : matrices;
    }

    private bool IsK => matrices.EndsWith("_K", StringComparison.Ordinal);

    // The first and the last eighth, and every third block between.
    private static bool HasMoreBits(int block, int blocks) => block < blocks / 8 || block >= 7 * blocks / 8 || (block - blocks / 8) % 3 == 2;

    private static int BlockOf(string name) => name.Split('.') is [.., "blk", string number, _, _]
        && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int block) ? block : 0;

    private static string Fitting(string type, int columns)
    {
        if (columns % GgufWriter.BlockElements(type) == 0)
            return type;
        string smaller = type switch
        {
            "Q4_K" => "Q5_0",
            "Q5_K" => "Q5_1",
            "Q6_K" => "Q8_0",
            _ => "F16",
        };
        return columns % GgufWriter.BlockElements(smaller) == 0 ? smaller : "F16";
    }
}
