using Lemma.Models;

namespace Lemma.Checkpoints;

/// <summary>BERT: an encoder with norms of the sums, learned positions and token types; heads for masked tokens and for what follows, or none.</summary>
internal sealed class Bert : BertLike
{
    public override string Name => "bert";

    public override GgufMap Gguf { get; } = new("bert",
    [
        ("bert.embeddings.word_embeddings", "token_embd"),
        ("bert.embeddings.position_embeddings", "position_embd"),
        ("bert.embeddings.token_type_embeddings", "token_types"),
        ("bert.embeddings.LayerNorm", "token_embd_norm"),
        ("bert.encoder.layer.#.attention.self.query", "blk.#.attn_q"),
        ("bert.encoder.layer.#.attention.self.key", "blk.#.attn_k"),
        ("bert.encoder.layer.#.attention.self.value", "blk.#.attn_v"),
        ("bert.encoder.layer.#.attention.output.dense", "blk.#.attn_output"),
        ("bert.encoder.layer.#.attention.output.LayerNorm", "blk.#.attn_output_norm"),
        ("bert.encoder.layer.#.intermediate.dense", "blk.#.ffn_up"),
        ("bert.encoder.layer.#.output.dense", "blk.#.ffn_down"),
        ("bert.encoder.layer.#.output.LayerNorm", "blk.#.layer_output_norm"),
    ], static fields =>
    {
        fields.Whole("context_length", "max_position_embeddings");
        fields.Whole("embedding_length", "hidden_size");
        fields.Whole("block_count", "num_hidden_layers");
        fields.Whole("feed_forward_length", "intermediate_size");
        fields.Whole("attention.head_count", "num_attention_heads");
        fields.Number("attention.layer_norm_epsilon", "layer_norm_eps");
        fields.Computed("type_vocab_size", static facts => facts.Sizes("token_types.weight") is [long types, _] ? types : 1);
        fields.Vocabulary();
        if (fields.Facts is null)
        {
            fields.Write("attention.causal", false);
            fields.WriteOther("tokenizer.ggml.token_type_count", fields.Config.GetProperty("type_vocab_size").GetUInt32());
        }
    })
    {
        LeftOut = ["bert.pooler.", "cls.", "classifier."],
    };

    protected override string Class => "Bert";

    protected override string Prefix => "bert.";

    protected override string PreTraining => "ForPreTraining";

    protected override HeadNames Head =>
        new("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm", "cls.predictions.bias", "cls.predictions.decoder.weight");

    protected override IReadOnlyList<string> ClassMatrices => ["cls.seq_relationship.weight", "classifier.weight"];

    protected override (string Pooler, string Classes) ClassNames(EncoderConfig config) =>
        ("bert.pooler.dense", config.Head is null ? "classifier" : "cls.seq_relationship");
}
