using System.Text.Json;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Tensors;

namespace Lemma.Checkpoints;

/// <summary>RoBERTa: BERT whose positions begin behind the row of the padding's id; a head of masked tokens or of classes, or none.</summary>
internal sealed class Roberta : BertLike
{
    public override string Name => "roberta";

    // Cut so, a file does not say that it was RoBERTa's, and is read as BERT's, which computes the same.
    public override GgufMap Gguf { get; } = BertGguf("roberta.", "pad_token_id") with
    {
        Suits = static _ => false,
        LeftOut = ["roberta.pooler.", "lm_head.", "classifier."],
        Change = static (name, config) => [name.Parameter != "positions.weight" ? name
            : WithoutRowsBefore(name, ((EncoderConfig)config).Stack.Embedding.PositionOffset)],
    };

    private static WeightName WithoutRowsBefore(WeightName name, int first) =>
        name with { FirstRow = first, Rows = name.Rows - first, RowsLeftOut = first };

    protected override string Class => "Roberta";

    protected override string Prefix => "roberta.";

    protected override HeadNames Head => new("lm_head.dense", "lm_head.layer_norm", "lm_head.bias", "lm_head.decoder.weight");

    protected override IReadOnlyList<string> ClassMatrices => ["classifier.out_proj.weight"];

    protected override (string Pooler, string Classes) ClassNames(EncoderConfig config) =>
        (config.Classes > 0 ? "classifier.dense" : "roberta.pooler.dense", "classifier.out_proj");

    protected override Activation HeadActivation(Activation activation) => Activation.Gelu;

    protected override int FirstPosition(JsonSettings settings) => settings.Integer("pad_token_id", 1, least: 0) + 1;

    protected override bool WriteMore(Utf8JsonWriter json, EncoderConfig config)
    {
        if (config.Stack.Embedding.PositionOffset == 0)
            return false;
        json.WriteNumber("pad_token_id", config.Stack.Embedding.PositionOffset - 1);
        return true;
    }
}
