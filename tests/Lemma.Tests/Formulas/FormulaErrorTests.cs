using Lemma.Formulas;

namespace Lemma.Tests.Formulas;

/// <summary>An error names the formula, the rule and the values.</summary>
public class FormulaErrorTests
{
    [Theory]
    [InlineData("dpo", "policy_chosen:1,2 policy_rejected:1 reference_chosen:1,2 reference_rejected:1,2 beta=0.1",
        "dpo: policy_rejected must have the shape [2], but it has [1]")]
    [InlineData("entropy", "p:0.5,NaN", "entropy: p must lie in [0, 1], but element 1 is NaN")]
    [InlineData("entropy", "p:0.5,0.6", "entropy: row 0 of p must sum to 1, but it sums to 1.1")]
    [InlineData("self_information", "p:0.5,1.5", "self_information: p must lie in [0, 1], but element 1 is 1.5")]
    [InlineData("dropout", "x:1,2 p=1", "dropout: the probability must be in [0, 1), but it is 1")]
    [InlineData("binary_symmetric_capacity", "p:-0.1", "binary_symmetric_capacity: p must lie in [0, 1], but element 0 is -0.1")]
    [InlineData("softmax", "x:1,2 temperature=0", "softmax: the temperature must be above 0, but it is 0")]
    [InlineData("cross_entropy", "logits[2,3] target:0,3", "cross_entropy: targets must be in [0, 3), but the target of row 1 is 3")]
    [InlineData("cross_entropy", "logits[2,3] target:0,0.5", "cross_entropy: target must hold whole numbers, but element 1 is 0.5")]
    [InlineData("matrix_inverse", "a[2,2]*0", "matrix_inverse: the matrix is singular: its singular values reach from 0 to 0")]
    [InlineData("matrix_inverse", "a[2,3]", "matrix_inverse: the matrix must be square, but it is [2, 3]")]
    [InlineData("einsum", "a[2,3] b[4,2] equation=ij,jk->ik", "einsum: the index j has the sizes 3 and 4")]
    [InlineData("moe_route", "logits[2,4] top_k=5", "moe_route: the number of picked experts must lie in [1, 4], but it is 5")]
    [InlineData("attention", "q[1,3,2,4] k[1,2,2,4] v[1,2,2,4]", "attention: 2 key/value heads do not divide 3 heads")]
    [InlineData("in_batch_contrast", "first[2,3] second[2,4]", "in_batch_contrast: second must have the shape [2, 3], but it has [2, 4]")]
    [InlineData("in_batch_contrast", "first[2,3] second[2,3] scale=0", "in_batch_contrast: the scale must be above 0, but it is 0")]
    [InlineData("cosent", "first[2,3] second[2,3] scores[3]", "cosent: scores must have the shape [2], but it has [3]")]
    [InlineData("cosent", "first[2,3] second[2,3] scores[2] scale=-1", "cosent: the scale must be above 0, but it is -1")]
    [InlineData("rope", "x[3,5]", "rope: the width of a head must be even, but it is 5")]
    [InlineData("binary_cross_entropy", "prediction:0.5,1.1 target:0,1",
        "binary_cross_entropy: prediction must lie in [0, 1], but element 1 is 1.1")]
    [InlineData("categorical_cross_entropy", "probabilities:0.5,0.5 target:0.5,0.4",
        "categorical_cross_entropy: row 0 of target must sum to 1, but it sums to 0.9")]
    [InlineData("mutual_information", "joint[2,2]*0", "mutual_information: row 0 of joint must sum to 1, but it sums to 0")]
    [InlineData("channel_capacity", "channel[0,3]", "channel_capacity: the channel must have at least one input, but it has none")]
    [InlineData("moe_route", "logits[2,4] top_k=-1", "moe_route: the number of picked experts must lie in [1, 4], but it is -1")]
    [InlineData("moe_route", "logits[2,4] top_k=1 score=tanh", "moe_route: the score must be softmax or sigmoid, but it is tanh")]
    [InlineData("ffn", "x[1,2] w1[2,3] b1[3] w2[3,2] b2[2] activation=step",
        "ffn: the activation must be relu, gelu, gelu_tanh, silu, sigmoid, tanh or identity, but it is step")]
    [InlineData("relative_buckets", "weight[3,2] queries=4",
        "relative_buckets: there must be at least 4 buckets and a largest distance above 0, but they are 3 and 128")]
    [InlineData("adam", "parameter[3] gradients[2,4] learning_rate=1",
        "adam: the gradients [2, 4] must be rows of as many numbers as the parameter [3] has")]
    [InlineData("zero_matrix", "m=2 n=1e9",
        "zero_matrix: an output of the shape [2, 1000000000] must have sizes from 0 and at most 268435456 numbers")]
    [InlineData("zero_matrix", "m=-1 n=2", "zero_matrix: an output of the shape [-1, 2] must have sizes from 0 and at most 268435456 numbers")]
    [InlineData("svd", "a[0,3]", "svd: the matrix must not be empty, but it is [0, 3]")]
    [InlineData("eigen", "a[2,2]", "eigen: the matrix must be symmetric, but it is not")]
    [InlineData("grpo", "log_probs[1,2] old_log_probs[1,2] reference_log_probs[1,2] advantages[1] epsilon=-1",
        "grpo: ε must not be negative, but it is -1")]
    [InlineData("l1", "w:1,2", "l1: the attribute 'lambda_' is missing")]
    [InlineData("l1", "v:1,2 lambda_=1", "l1: input 'w' is missing; given are: v")]
    [InlineData("cross_entropy", "logits[2,3] target:0,1 label_smothing=0.1",
        "cross_entropy: nothing reads 'label_smothing'; what is read is: "
        + "logits, target, ignore_index, label_smoothing, class_weights, reduction")]
    [InlineData("rope", "x[3,4] scaling=yarn factor=4 attention_factor=1.2",
        "rope: nothing reads 'attention_factor'; what is read is: "
        + "x, interleaved, start, theta, linear_scale, factor, scaling, trained_length, beta_fast, beta_slow")]
    [InlineData("moe_balance_loss", "logits[4,3] counts:1,2,3 top_k=1",
        "moe_balance_loss: nothing reads 'counts'; what is read is: logits, top_k")]
    [InlineData("attention", "q[1,4,2,4] k[1,2,2,4] v[1,2,2,4] window=1",
        "attention: nothing reads 'window'; what is read is: k, q, v, mask, bias, cap, sinks, kv_heads")]
    [InlineData("attention", "q[1,4,2,4] k[1,2,2,4] v[1,2,2,4] kv_heads=4", "attention: kv_heads must be the 2 heads of k, but it is 4")]
    [InlineData("multi_query_attention", "x[1,2,4] wq[4,4] wk[4,2] wv[4,2] wo[4,4] heads=2 kv_heads=2",
        "multi_query_attention: there must be one key/value head, but there are 2")]
    [InlineData("schedule_warmup_stable_decay", "step:1 total_steps=50 decay=60",
        "schedule_warmup_stable_decay: warmup 0 and decay 60 must lie within 50 steps, and the minimum 0 in [0, 1]")]
    public void BadInputIsNamed(string name, string input, string message)
    {
        FormulaExample example = new(input);
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => FormulaIndex.Find(name).Run(example.Inputs,
            example.Attributes)).Message);
    }

    [Theory]
    [InlineData("schedule_constant"), InlineData("schedule_linear"), InlineData("schedule_cosine")]
    [InlineData("schedule_warmup_stable_decay"), InlineData("schedule_inverse_square_root")]
    public void AShortScheduleNeedsNoDecay(string name)
    {
        foreach (int steps in new[] { 1, 5, 50, 99 })
        {
            FormulaExample example = new($"step:0,1 total_steps={steps}");
            Assert.Equal(1, FormulaIndex.Find(name).Run(example.Inputs, example.Attributes).Data[0]);
        }
    }

    [Fact]
    public void AListIsAnInputOrAnAttributeAsTheFormulaAsks()
    {
        (IReadOnlyDictionary<string, Values> inputs, IReadOnlyDictionary<string, object> attributes) = GoldenFile.ReadInputs(
            "{\"q\": [[[[1]]]], \"k\": [[[[1]]]], \"v\": [[[[3]]]], \"windows\": [1]}");
        Assert.Equal([3f], FormulaIndex.Find("multi_scale_window_attention").Run(inputs, attributes).Data);
    }

    [Fact]
    public void AnUnknownNameGetsTheNearest() =>
        Assert.Contains("softmax", Assert.Throws<ArgumentException>(() => FormulaIndex.Find("softmaks")).Message, StringComparison.Ordinal);
}
