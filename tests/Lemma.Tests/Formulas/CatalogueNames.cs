namespace Lemma.Tests.Formulas;

/// <summary>The rows of the catalogue's formula sections by name.</summary>
internal static class CatalogueNames
{
    public static readonly string[] All =
    [
        "sigmoid", "tanh", "relu", "gelu", "gelu_tanh", "swish", "silu", "soft_cap", "softmax", "log_softmax",
        "mse", "binary_cross_entropy", "binary_cross_entropy_with_logits", "categorical_cross_entropy", "cross_entropy",
            "linear_cross_entropy",
        "causal_lm_nll", "masked_lm", "next_sentence", "cosent", "in_batch_contrast",
        "dpo", "ipo", "kto", "orpo", "simpo", "hinge_preference", "robust_dpo", "exo", "nca", "bco", "sppo", "apo_zero", "apo_down", "aot",
            "aot_unpaired", "discopop", "f_dpo",
        "ppo_clip", "ppo_value", "ppo_objective", "rlhf_objective", "kl_k1", "kl_k2", "kl_k3",
        "gae", "grpo", "grpo_advantages", "policy_clip", "cispo", "gspo", "reinforce", "kl_k3_tokens", "rloo_advantages", "whitened_advantages",
            "reinforce_plus_plus_advantages", "overlong_penalty", "reward_pairwise", "moe_balance_loss", "router_z_loss",
        "l1", "l2", "weight_decay", "dropout", "dropout_plain", "label_smoothing", "clip_grad_norm", "residual", "scaled_residual",
        "layer_norm", "rms_norm", "batch_norm", "pre_norm", "post_norm", "qk_norm",
        "learned_positions", "sinusoidal_positions", "rope", "relative_buckets", "alibi",
        "attention", "block_sparse_attention", "multi_head_attention", "multi_query_attention", "grouped_query_attention",
            "cross_attention",
        "multi_head_latent_attention", "multi_scale_window_attention", "dual_chunk_attention", "adaptive_span", "linear_attention",
        "efficient_attention", "kv_cache", "short_convolution", "log_decay", "gated_delta_rule", "clamped_gate",
        "linear", "embedding", "per_layer_embedding", "dora", "ffn", "glu", "ffn_glu", "moe", "moe_route", "router_bias_step", "expert_capacity",
        "gradient_descent", "sgd_momentum", "adam", "adamw", "muon", "lion", "adafactor", "schedule_constant", "schedule_linear",
            "schedule_cosine",
        "schedule_warmup_stable_decay", "schedule_inverse_square_root", "gradient_accumulation", "exponential_moving_average",
        "self_information", "entropy", "joint_entropy", "conditional_entropy", "mutual_information", "information_cross_entropy",
            "kl_divergence",
        "jensen_shannon", "perplexity", "bits_per_byte", "huffman_code", "arithmetic_code", "binary_symmetric_capacity",
            "binary_erasure_capacity",
        "channel_capacity",
        "scaling_law", "compute_optimal", "repeated_tokens",
        "add_k", "katz_backoff", "kneser_ney",
        "matrix_add", "matrix_multiply", "matrix_transpose", "matrix_inverse", "identity_matrix", "zero_matrix", "is_symmetric",
            "is_diagonal",
        "is_orthogonal", "eigen", "svd", "einsum", "hadamard",
    ];
}
