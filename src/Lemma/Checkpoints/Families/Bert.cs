using Lemma.Models;

namespace Lemma.Checkpoints;

/// <summary>BERT: an encoder with norms of the sums, learned positions and token types; heads for masked tokens and for what follows, or none.</summary>
internal sealed class Bert : BertLike
{
    public override string Name => "bert";

    public override GgufMap Gguf { get; } = BertGguf("bert.") with
    {
        // DistilBERT is this architecture without token types.
        Suits = static facts => facts.Has("token_types.weight"),
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
