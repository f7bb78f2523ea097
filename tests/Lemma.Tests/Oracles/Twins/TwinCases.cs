using Lemma.Formulas;

namespace Lemma.Tests.Oracles.Twins;

/// <summary>Inputs that every formula is held to its twin on, in the form of <see cref="FormulaExample"/>.</summary>
internal static class TwinCases
{
    /// <summary>Sizes around those of vectors and blocks: an @ in a case stands for each of them, @@ for their doubles.</summary>
    public static int[] EdgeSizes { get; } = [1, 31, 32, 33, 256, 512, 513];

    /// <summary>The index's example, and the cases below.</summary>
    public static IEnumerable<string> Of(Formula formula)
    {
        IEnumerable<string> further = Further.TryGetValue(formula.Name, out string[]? lines) ? lines : [];
        return [formula.Example, .. further.SelectMany(line => line.Contains('@', StringComparison.Ordinal)
            ? EdgeSizes.Select(size => line.Replace("@@", $"{2 * size}", StringComparison.Ordinal)
                .Replace("@", $"{size}", StringComparison.Ordinal))
            : [line])];
    }

    private const string Pairs = "policy_chosen[@] policy_rejected[@] reference_chosen[@] reference_rejected[@] beta=0.3";
    private const string Policy = "log_probs[2,@]*0.4 old_log_probs[2,@]*0.4 reference_log_probs[2,@]*0.4";
    private const string HeadsOfFour = "q[1,2,@,4] k[1,2,@,4] v[1,2,@,4]";
    private const string Optimizer = "parameter[@] gradients[4,@] learning_rate=0.01";
    private const string Schedule = "step[@]# total_steps=300 warmup=20 decay=50 minimum=0.1 learning_rate=0.003";

    private const string NoWarmup = "step[35]# total_steps=30 decay=10";

    private static readonly Dictionary<string, string[]> Further = new()
    {
        ["gelu"] = ["x[@]", "x[200]*6"],
        ["gelu_tanh"] = ["x[@]", "x[200]*6"],
        ["relu"] = ["x[@]"],
        ["sigmoid"] = ["x[@]", "x[200]*20"],
        ["soft_cap"] = ["x[@] cap=2", "x[200]*20 cap=7"],
        ["silu"] = ["x[@]", "x[200]*20"],
        ["swish"] = ["x[@] beta[]+", "x[200]*20 beta=1.7"],
        ["tanh"] = ["x[@]", "x[200]*6"],
        ["softmax"] = ["x[3,@]", "x[2,200]*20 temperature=2"],
        ["log_softmax"] = ["x[3,@]", "x[2,200]*20 temperature=2"],
        ["binary_cross_entropy"] = ["prediction[@]u target[@]u"],
        ["binary_cross_entropy_with_logits"] = ["logits[@] target[@]u"],
        ["categorical_cross_entropy"] = ["probabilities[3,@]p target[3,@]p"],
        ["causal_lm_nll"] = ["logits[2,3,@] ids[2,3]%1", "logits[1,@,5] ids[1,@]%5", "logits[2,9,40]*20 ids[2,9]%40 reduction=sum"],
        ["cross_entropy"] = ["logits[3,@] target[3]%1", "logits[@,5] target[@]%5",
            "logits[4,33] target:32,-100,0,5 label_smoothing=0.2 class_weights[33]+ reduction=sum",
            "logits[3,9] target:7,7,2 ignore_index=7 label_smoothing=0.1", "logits[2,9] target:-100,-100", "logits[3,33]*100 target:1,2,3"],
        ["linear_cross_entropy"] =
        [
            "x[4,3] weight[3,@] target[4]%1", "x[@,3] weight[3,5] target[@]%5", "x[4,@]*0.2 weight[@,7] target:0,-100,6,2",
        ],
        ["masked_lm"] = ["logits[@,5] target[@]%5", "logits[2,7] target:-100,-100"],
        ["mse"] = ["prediction[@] target[@]"],
        ["cosent"] =
        [
            "first[7,@@] second[7,@@] scores[7]%3 scale=2", "first[@,5] second[@,5] scores[@]u", "first[9,6] second[9,6] scores[9]%1",
        ],
        ["in_batch_contrast"] = ["first[7,@@] second[7,@@] scale=2", "first[@,5] second[@,5]"],
        ["next_sentence"] = ["logits[@,2] target[@]%2"],
        ["dpo"] = [Pairs, Pairs + " label_smoothing=0.2"],
        ["f_dpo"] = [Pairs, Pairs + " label_smoothing=0.2 divergence=forward_kl", Pairs + " divergence=jensen_shannon",
            Pairs + " divergence=alpha alpha=0.7 label_smoothing=0.1"],
        ["ipo"] = [Pairs],
        ["hinge_preference"] = [Pairs],
        ["robust_dpo"] = [Pairs, Pairs + " label_smoothing=0.2"],
        ["exo"] = [Pairs, Pairs + " label_smoothing=0.2"],
        ["nca"] = [Pairs],
        ["bco"] = [Pairs, Pairs + " shift=0.7"],
        ["sppo"] = [Pairs],
        ["apo_zero"] = [Pairs],
        ["apo_down"] = [Pairs],
        ["aot"] = [Pairs, Pairs + " label_smoothing=0.2"],
        ["aot_unpaired"] = [Pairs, Pairs + " label_smoothing=0.2"],
        ["discopop"] = [Pairs, Pairs + " temperature=0.7"],
        ["kto"] = ["policy[@] reference[@] desirable[@]%2 beta=0.4 reference_point=0.1 undesirable_weight=1.3"],
        ["orpo"] = ["policy_chosen[@]+*-1 policy_rejected[@]+*-1", "policy_chosen:-0.001,-20,-0.5 policy_rejected:-3,-1,-0.01"],
        ["simpo"] = ["policy_chosen[@] policy_rejected[@] beta=2.5"],
        ["reward_pairwise"] = ["chosen[@] rejected[@]", "chosen[40]*40 rejected[40]*40"],
        ["rlhf_objective"] = ["rewards[@] log_probs[@] reference_log_probs[@]"],
        ["kl_k1"] = ["log_probs[@] reference_log_probs[@]"],
        ["kl_k2"] = ["log_probs[@] reference_log_probs[@]"],
        ["kl_k3"] = ["log_probs[@] reference_log_probs[@]", "log_probs[40]*0.01 reference_log_probs[40]*0.01"],
        ["ppo_clip"] = ["log_probs[@]*0.55 old_log_probs[@]*0.45 advantages[@]"],
        ["ppo_value"] = ["values[@] old_values[@] returns[@]"],
        ["ppo_objective"] = [Policy + " advantages[2,@] values[2,@] old_values[2,@] returns[2,@] entropies[2,@]+ entropy_coefficient=0.1"],
        ["grpo"] = [Policy + " advantages[2] beta=0.1", Policy + " advantages[2] mask[2,@]%2"],
        ["grpo_advantages"] = ["rewards[2,@@]", "rewards[2,31]*100 epsilon=0.01", "rewards[3,1]"],
        ["policy_clip"] = ["log_probs[@]*0.55 old_log_probs[@]*0.45 advantages[@]",
            "log_probs[@]*0.55 old_log_probs[@]*0.45 advantages[@] epsilon_low=0.1 epsilon_high=0.3 delta=1.5"],
        ["cispo"] = ["log_probs[@]*0.55 old_log_probs[@]*0.45 advantages[@] largest_weight=1.2"],
        ["gspo"] = ["log_probs[@]*0.55 old_log_probs[@]*0.45 lengths:@ advantages[1] epsilon_high=0.2",
            "log_probs[70]*0.8 old_log_probs[70]*0.8 lengths:0,1,33,36 advantages[4] epsilon_low=0.05 epsilon_high=0.1 delta=1.2"],
        ["reinforce"] = ["log_probs[@] advantages[@]"],
        ["kl_k3_tokens"] = ["log_probs[@]*0.5 reference_log_probs[@]*0.5", "log_probs[40]*0.01 reference_log_probs[40]*0.01"],
        ["rloo_advantages"] = ["rewards[2,@@]", "rewards[2,31]*100", "rewards[3,1]"],
        ["whitened_advantages"] = ["advantages[@@]", "advantages[7,31]*100 epsilon=0.01 keep_mean=true", "advantages[1]"],
        ["reinforce_plus_plus_advantages"] = ["rewards[2] lengths:0,@ log_probs[@]*0.5 reference_log_probs[@]*0.5",
            "rewards[4] lengths:0,1,33,36 log_probs[70] reference_log_probs[70] beta=0.3"],
        ["overlong_penalty"] = ["lengths[@]# longest=100 margin=30"],
        ["gae"] = ["rewards[2,3] values[2,4]", "rewards[17,130] values[17,131] gamma=0.9 lambda_=0.8", "rewards[@,5] values[@,6]",
            "rewards[1,256] values[1,257] gamma=0.98", "rewards[1,1] values[1,2] gamma=0.5 lambda_=0.5"],
        ["clip_grad_norm"] = ["g[@] max_norm=2", "g[9000] max_norm=1", "g[33]*0.01 max_norm=1"],
        ["dropout"] = ["x[@] p=0.3 seed=5", "x[300000] p=0.3 seed=5", "x[33] p=0", "x[33] p=0.5 training=false"],
        ["dropout_plain"] = ["x[@] p=0.3 seed=5", "x[33] p=0", "x[33] p=0.5 training=false"],
        ["l1"] = ["w[@] lambda_=0.3", "w[9000] lambda_=1"],
        ["l2"] = ["w[@] lambda_=0.3", "w[9000] lambda_=1"],
        ["label_smoothing"] = ["target[3,@]p epsilon=0.2", "target[3,5]p epsilon=1", "target[3,5]p epsilon=0"],
        ["residual"] = ["x[@] f[@]"],
        ["scaled_residual"] = ["x[@] f[@] multiplier=0.22", "x[5,7] f[5,7] multiplier=-3"],
        ["weight_decay"] = ["parameter[@] learning_rate=0.3 weight_decay=0.1"],
        ["batch_norm"] = ["x[5,@] weight[@] bias[@]", "x[@@,3] weight[3] bias[3] epsilon=0.1", "x[6,5] weight[5] bias[5] mask:1,0,1,1,0,1",
            "x[6,5] weight[5] bias[5] running_mean[5] running_variance[5]+ training=false",
            "x[6,5] weight[5] bias[5] running_mean[5] running_variance[5]+ training=false mask:1,0,1,1,0,1"],
        ["layer_norm"] = ["x[3,@] weight[@] bias[@] epsilon=0.1", "x[3,300]*30 weight[300] bias[300]"],
        ["rms_norm"] =
        [
            "x[3,@] weight[@] epsilon=0.1", "x[3,@] weight[@] epsilon=0.1 epsilon_inside_root=false", "x[3,300]*30 weight[300]",
        ],
        ["pre_norm"] = ["x[2,33] weight[33,33] gain[33]", "x[@,4] weight[4,4] gain[4]"],
        ["post_norm"] = ["x[2,33] weight[33,33] gain[33]", "x[@,4] weight[4,4] gain[4]"],
        ["qk_norm"] = ["q[@,3] k[5,3] query_gain[3] key_gain[3]", "q[2,@] k[3,@] query_gain[@] key_gain[@] epsilon=0.1"],
        ["alibi"] = ["heads=@ queries=3 keys=5", "heads=6 queries=@"],
        ["learned_positions"] = ["x[2,@,3] weight[600,3] start=7", "x[1,2,@] weight[2,@]"],
        ["relative_buckets"] =
        [
            "weight[32,2] queries=@", "weight[32,2] queries=40 keys=300", "weight[16,3] queries=7 keys=90 bidirectional=false",
        ],
        ["rope"] = ["x[2,@,4]", "x[3,@@] interleaved=true", "x[2,7,8] start=100 scaling=linear factor=4", "x[2,7,8] scaling=ntk factor=3",
            "x[2,40,8] scaling=dynamic factor=2 trained_length=16", "x[2,9,8] scaling=dynamic factor=2 trained_length=16",
            "x[2,40,64] start=50 scaling=yarn factor=8 trained_length=64", "x[2,40,64] start=50 scaling=llama3 factor=8 trained_length=64",
            "x[1,3,16] start=100000 theta=500000", "x[2,9,4] scaling=longrope factor=4 trained_length=9 short_factors=1,1.5 long_factors=2,7",
            "x[2,9,4] scaling=longrope factor=4 trained_length=8 short_factors=1,1.5 long_factors=2,7 interleaved=true",
            "x[2,9,8] scaling=proportional factor=2 share=0.3", "x[2,9,16] scaling=proportional share=0.5"],
        ["sinusoidal_positions"] = ["positions[@]# d_model=6", "positions:0,1,100000 d_model=@@"],
        ["adaptive_span"] =
        [
            "q[1,2,@,4] k[1,2,@,4] v[1,2,@,4] span:5.3,100.7 ramp=9.1", "q[1,2,3,4] k[1,1,9,4] v[1,1,9,5] span:1.3,4.7 ramp=2.2",
        ],
        ["attention"] = [HeadsOfFour + " mask=causal", "q[1,2,3,@] k[1,1,5,@] v[1,1,5,@]",
            "q[2,3,5,8] k[2,3,9,8] v[2,3,9,8] mask=sliding_window window=3",
            "q[2,2,9,8] k[2,2,9,8] v[2,2,9,8] mask=prefix prefix=4", "q[3,2,9,8] k[3,2,9,8] v[3,2,9,8] mask=padding lengths=9,4,0",
            "q[1,6,9,8] k[1,2,9,8] v[1,2,9,5] mask=causal bias=alibi", "q[1,2,40,16]*30 k[1,2,40,16]*30 v[1,2,40,16] mask=causal",
            "q[1,2,200,16] k[1,2,200,16] v[1,2,200,16]", "q[1,2,30,8] k[1,1,210,8] v[1,1,210,8] mask=prefix prefix=200",
            "q[1,4,5,8] k[1,2,9,8] v[1,2,9,8] mask=causal cap=0.7", "q[1,2,9,8]*9 k[1,1,200,8]*9 v[1,1,200,8] cap=2.5 bias=alibi",
            "q[2,3,5,8] k[2,3,9,8] v[2,3,9,5] sinks[3] mask=sliding_window window=3", "q[3,2,9,8] k[3,2,9,8] v[3,2,9,8] sinks[2] mask=padding lengths=9,4,0",
            "q[1,2,13,8] k[1,2,300,8] v[1,2,300,8] buckets[32,2] bias=relative_buckets mask=causal bidirectional=false",
            "q[2,4,40,8] k[2,2,40,8] v[2,2,40,8] buckets[16,4] sinks[4] bias=relative_buckets largest_distance=20 cap=3",
            "q[1,2,5,8]*9 k[1,1,9,8]*9 v[1,1,9,8] buckets[8,2] sinks[2]*30 bias=relative_buckets cap=20"],
        ["block_sparse_attention"] =
        [
            HeadsOfFour + " block=16",
            "q[1,2,5,4] k[1,1,40,4] v[1,1,40,6] block=3 local=1 stride=4 global=2 random=2 seed=9 causal=false",
        ],
        ["cross_attention"] = ["x[1,3,8] memory[1,@,8] wq[8,8] wk[8,4] wv[8,4] wo[8,8] heads=4 kv_heads=2"],
        ["dual_chunk_attention"] = [HeadsOfFour + " chunk=7 trained_length=12"],
        ["efficient_attention"] = [HeadsOfFour, "q[2,1,3,@] k[2,1,5,@] v[2,1,5,6]"],
        ["grouped_query_attention"] = ["x[1,@,8] wq[8,8] wk[8,4] wv[8,4] wo[8,8] heads=4 kv_heads=2"],
        ["kv_cache"] = ["q[1,4,@,4] k[1,2,@,4] v[1,2,@,4]"],
        ["linear_attention"] =
        [
            HeadsOfFour, HeadsOfFour + " chunk=16", "q[1,2,7,@] k[1,2,7,@] v[1,2,7,3] causal=false",
            "q[1,1,9,4]*3 k[1,1,9,4]*3 v[1,1,9,5]",
        ],
        ["multi_head_attention"] = ["x[1,@,8] wq[8,8] wk[8,8] wv[8,8] wo[8,8] heads=2 mask=causal"],
        ["multi_head_latent_attention"] = ["x[@,6] wq[6,10] wc[6,3] wr[6,2] u[3,6] v[3,6] wo[6,6] heads=2",
            "x[33,6] wq[6,10] wc[6,3] wr[6,2] u[3,6] v[3,6] wo[6,6] heads=2 form=absorbed"],
        ["multi_query_attention"] = ["x[1,@,8] wq[8,8] wk[8,2] wv[8,2] wo[8,8] heads=4"],
        ["multi_scale_window_attention"] = [HeadsOfFour + " windows=3,40", "q[2,3,4,4] k[2,3,9,4] v[2,3,9,6] windows=1,3,0"],
        ["short_convolution"] = ["x[1,@,3] w[3,4]", "x[2,3,@] w[@,4] bias[@]", "x[2,5,7] w[7,9] bias[7]", "x[1,4,5] w[5,1]"],
        ["log_decay"] = ["a[3,@] rate[@]*0.3 bias[@]", "a[@,2]*9 rate[2] bias[2]"],
        ["gated_delta_rule"] =
        [
            "q[1,1,@,4]*0.5 k[1,1,@,4]*0.5 v[1,2,@,3] decay[1,2,@]*0.1 beta[1,2,@]*0.5", "q[2,2,5,@]*0.1 k[2,2,5,@]*0.1 v[2,2,5,3] decay[2,2,5]*0.1 beta[2,2,5]",
            "q[1,2,70,8]*0.3 k[1,2,70,8]*0.3 v[1,6,70,17] decay[1,6,70]*0.2 beta[1,6,70]*0.5",
            "q[1,2,70,8]*0.3 k[1,2,70,8]*0.3 v[1,6,70,17] decay[1,6,70]*0.2 beta[1,6,70]*0.5 chunk=16",
        ],
        ["clamped_gate"] = ["a[@]*3 b[@]*3 limit=4", "a[200]*9 b[200]*9", "a[33] b[33] limit=0.5 alpha=1"],
        ["per_layer_embedding"] = ["ids[@]%13 weight[13,4] p[@,4] width=2", "ids[3]%5 weight[5,@] p[3,@]"],
        ["embedding"] = ["ids[@]%13 weight[13,4]", "ids[3]%5 weight[5,@]"],
        ["dora"] = ["weight[3,@] magnitude[3]+ a[2,@] b[3,2] scale=0.7", "weight[@,5] magnitude[@] a[3,5] b[@,3]"],
        ["linear"] = ["x[3,@] weight[@,5] bias[5]", "x[3,5] weight[5,@] bias[@]", "x[@,4] weight[4,3]"],
        ["ffn"] = ["x[2,4] w1[4,@] b1[@] w2[@,4] b2[4] activation=relu", "x[2,5] w1[5,7] b1[7] w2[7,5] b2[5] activation=gelu_tanh",
            "x[2,5] w1[5,7] b1[7] w2[7,5] b2[5] activation=tanh", "x[2,5] w1[5,7] b1[7] w2[7,5] b2[5] activation=sigmoid"],
        ["ffn_glu"] = ["x[2,4] w1[4,@] w2[4,@] w3[@,4]", "x[2,5] w1[5,7] w2[5,7] w3[7,5] activation=gelu",
            "x[2,5] w1[5,7] w2[5,7] w3[7,5] activation=relu", "x[2,5] w1[5,7] w2[5,7] w3[7,5] activation=identity"],
        ["glu"] = ["x[2,4] w[4,@] v[4,@] b[@] c[@]", "x[2,@]*0.2 w[@,4] v[@,4] b[4] c[4]"],
        ["expert_capacity"] = ["gates[@,3]+ top_k=1 factor=0.7"],
        ["moe"] = ["x[@,4] router[4,3] w1[4,4,5] w2[4,4,5] w3[4,5,4] top_k=1 score=sigmoid renormalize=false scale=2.5",
            "x[3,4] router[4,4] w1[4,4,33] w2[4,4,33] w3[4,33,4] top_k=4"],
        ["moe_balance_loss"] = ["logits[@,6] top_k=2", "logits[33,64] top_k=3", "logits[3,@] top_k=1"],
        ["moe_route"] = ["logits[@,6] top_k=2 renormalize=false", "logits[3,@] top_k=1", "logits[@,8] top_k=2", "logits[33,64] top_k=6",
            "logits[21,24] top_k=4 groups=4 group_limit=2 score=sigmoid",
            "logits[5,8] top_k=3 selection_bias=0.3,-0.3,0,0.2,-0.2,0.1,0,0",
            "logits[9,6] top_k=2 groups=3 group_limit=1 scale=2.5"],
        ["router_bias_step"] = ["bias[@] loads[@]%9"],
        ["router_z_loss"] = ["logits[3,@]", "logits[@,3]*20"],
        ["adafactor"] = ["parameter[1,@] gradients[4,@] learning_rate=0.01", "parameter[@,2] gradients[4,@@] learning_rate=0.01 clip=0.5"],
        ["adam"] = [Optimizer, "parameter[33] gradients[50,33] learning_rate=0.1 beta1=0.5 beta2=0.9 epsilon=0.001"],
        ["adamw"] = [Optimizer + " weight_decay=0.3"],
        ["exponential_moving_average"] = ["average[@] parameters[4,@]"],
        ["gradient_accumulation"] = ["gradients[3,@]", "gradients[@,3]"],
        ["gradient_descent"] = [Optimizer],
        ["lion"] = [Optimizer + " weight_decay=0.1"],
        ["muon"] = ["parameter[3,7] gradients[4,21] learning_rate=0.02", "parameter[33,9] gradients[2,297] learning_rate=0.1 momentum=0.5",
            "parameter[8,20] gradients[3,160] learning_rate=0.1 nesterov=1 weight_decay=0.2"],
        ["sgd_momentum"] = [Optimizer],
        ["schedule_constant"] = [Schedule, NoWarmup],
        ["schedule_cosine"] = [Schedule, NoWarmup],
        ["schedule_inverse_square_root"] = [Schedule, NoWarmup],
        ["schedule_linear"] = [Schedule, NoWarmup],
        ["schedule_warmup_stable_decay"] = [Schedule, NoWarmup],
        ["arithmetic_code"] = ["p[@,5]p symbols[@]%5", "p[20,300]p symbols[20]%300"],
        ["binary_erasure_capacity"] = ["p[@]u"],
        ["binary_symmetric_capacity"] = ["p[@]u", "p:0.5,0.25,0.001"],
        ["bits_per_byte"] = ["nll[@]+ tokens=7 bytes=31"],
        ["channel_capacity"] = ["channel[2,5]p", "channel[3,31]p", "channel[1,4]p", "channel[40,40]p tolerance=0.000001"],
        ["conditional_entropy"] = ["joint[3,@]P", "joint[@,3]P unit=nats"],
        ["entropy"] = ["p[3,@]p", "p[2,5]p unit=nats"],
        ["huffman_code"] = ["p[@]p"],
        ["information_cross_entropy"] = ["p[3,@]p q[3,@]p", "p[2,5]p q[2,5]p unit=nats"],
        ["jensen_shannon"] = ["p[3,@@]p q[3,@@]p", "p[2,5]p q[2,5]p unit=nats"],
        ["joint_entropy"] = ["joint[3,@]P unit=nats"],
        ["kl_divergence"] = ["p_logits[3,@@] q_logits[3,@@]", "p_logits[3,40]*10 q_logits[3,40]*10 unit=bits"],
        ["mutual_information"] = ["joint[3,@@]P", "joint[@@,3]P unit=nats"],
        ["perplexity"] = ["logits[3,@] target[3]%1", "logits[@,5] target[@]%5", "logits[3,9] target:-100,3,-100"],
        ["self_information"] = ["p[@]u", "p[9]u unit=nats"],
        ["scaling_law"] =
        [
            "parameters[@]+ tokens[@]+", "parameters[9]+*100 tokens[9]+ irreducible=1.69 parameter_scale=406.4 token_scale=410.7 parameter_exponent=0.34 "
                + "token_exponent=0.28",
        ],
        ["compute_optimal"] = ["compute[@]+", "compute[9]+*100 parameter_scale=406.4 token_scale=410.7 parameter_exponent=0.34 token_exponent=0.28"],
        ["repeated_tokens"] = ["tokens[@]+ unique=0.4", "tokens[33]+ unique=1 decay=2"],
        ["add_k"] = ["counts[3,@]%5 k=0.25", "counts[4,7]%1"],
        ["katz_backoff"] = ["counts[9,@]%4 lower[9,@]p threshold=2", "counts[40,11]%7 lower[40,11]p", "counts[3,5]%1 lower[3,5]p"],
        ["kneser_ney"] = ["counts[9,@]%5 lower[9,@]p", "counts[9,11]%4 lower[9,11]p modified=false", "counts[3,5]%1 lower[3,5]p"],
        ["eigen"] = ["a[1,1]s", "a[9,9]s", "a[33,33]s"],
        ["einsum"] = ["a[3,@] b[@,2] equation=ij,jk->ik", "a[@] b[@] equation=i,i->", "a[3,@] b[@,2] equation=ik,kj->ij",
            "a[@] b[3] equation=i,j->ij", "a[3,@] equation=ij->ji", "a[2,3,@] b[2,@,4] equation=bij,bjk->bik",
            "a[2,3,@] b[3,@] equation=bcd,cd->bcd", "a[2,3,@] equation=abc->",
            "a[3,2,@] b[@,5,2,4] equation=ija,abjc->cji", "a[4,@,4] b[@,3] equation=iai,bc->ib",
            "a[@,@] equation=ii->i", "a[5,5] equation=ii->"],
        ["hadamard"] = ["x[2,1]", "x[3,2]", "x[3,4]", "x[3,8]", "x[2,32]", "x[3,128]", "x[1,1024]"],
        ["identity_matrix"] = ["n=@"],
        ["is_diagonal"] = ["a[@,@]*0", "a[3,3]#*0.000001", "a[1,1]"],
        ["is_orthogonal"] = ["a[1,1]%1", "a[33,33]*0"],
        ["is_symmetric"] = ["a[@,@]s", "a[33,33]", "a[3,3]#*0.000001"],
        ["matrix_add"] = ["a[2,@] b[2,@]"],
        ["matrix_inverse"] = ["a[1,1]", "a[9,9]", "a[33,33]"],
        ["matrix_multiply"] = ["a[3,@] b[@,2]", "a[@,3] b[3,2]", "a[2,3] b[3,@]"],
        ["matrix_transpose"] = ["a[3,@]", "a[@,2]"],
        ["svd"] = ["a[1,1]", "a[3,9]", "a[33,7]", "a[20,20]"],
        ["zero_matrix"] = ["m=@ n=3"],
    };
}
