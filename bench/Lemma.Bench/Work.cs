using Lemma.Formulas;

namespace Lemma.Bench;

/// <summary>The multiplications and additions of matrix products in a forward.</summary>
internal static class Work
{
    public static double Operations(string name, FormulaExample example)
    {
        double Size(string input, int axis) => example.Inputs[input].Shape[axis];
        double Rows(string input) => example.Inputs[input].Rows;
        double Count(string input) => example.Inputs[input].Count;
        // Two products of every query with the keys it sees, b·H·T·S·d each.
        double Attention(double share) => 4 * Count("q") * Size("k", 2) * share;
        double Projected(string memory, double share) => 2 * Rows("x") * (Count("wq") + Count("wo")) + 2 * Rows(memory) * (Count("wk") + Count("wv"))
            + 4 * Rows("x") * Size(memory, 1) * Size("wq", 1) * share;
        switch (name)
        {
            case "linear" or "pre_norm" or "post_norm": return 2 * Rows("x") * Count("weight");
            case "linear_cross_entropy": return 2 * Rows("x") * Count("weight");
            case "in_batch_contrast": return 2 * Rows("first") * Count("first");
            case "matrix_multiply": return 2 * Rows("a") * Count("b");
            case "einsum": return 2 * Rows("a") * Count("b");
            case "is_orthogonal": return 2 * Rows("a") * Count("a");
            case "qk_norm": return 2 * Count("q") * Size("k", 0);
            case "ffn": return 2 * Rows("x") * (Count("w1") + Count("w2"));
            case "ffn_glu": return 2 * Rows("x") * (Count("w1") + Count("w2") + Count("w3"));
            case "glu": return 2 * Rows("x") * (Count("w") + Count("v"));
            case "moe": return 2 * Rows("x") * (Count("router") + 3 * (Count("w1") + Count("w2") + Count("w3")) / Size("w1", 0));
            // Five steps of Newton and Schulz, three products each.
            case "muon": return 5 * 3 * 2 * Math.Pow(Size("parameter", 0), 3);
            case "attention" or "dual_chunk_attention" or "kv_cache": return Attention(0.5);
            case "linear_attention" or "efficient_attention": return 4 * Count("q") * Size("q", 3);
            case "multi_head_attention" or "multi_query_attention" or "grouped_query_attention": return Projected("x", 0.5);
            case "cross_attention": return Projected("memory", 1);
            case "multi_head_latent_attention":
                return 2 * Rows("x") * (Count("wq") + Count("wc") + Count("wr") + Count("u") + Count("v") + Count("wo"))
                    + Rows("x") * Rows("x") * (Size("wq", 1) + Size("u", 1));
            // What the pattern leaves is not counted: bytes alone.
            default: return 0;
        }
    }
}
