using System.Text.Json;
using Lemma.Checkpoints;
using Lemma.Compute;
using Lemma.Formulas;
using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;
using Lemma.Weights;

namespace Lemma.Tests.Models;

/// <summary>A tiny random checkpoint and what was recorded of it in float64 (Golden/checkpoints, or the folders below the one that LEMMA_CHECKPOINTS names).</summary>
internal sealed class ReferenceCheckpoint : IDisposable
{
    private readonly int[][] mask;

    private ReferenceCheckpoint(string folder, int threads)
    {
        Expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json"))).RootElement;
        Model = ModelFolder.Read(folder);
        Workers = new Workers(threads);
        Tape = new Tape(Workers, Model.Parameters);
        mask = Numbers("attention_mask");
        Input = Unpadded(Numbers("input_ids"), mask);
    }

    /// <summary>All folders.</summary>
    public static IEnumerable<string> Folders
    {
        get
        {
            string golden = Path.Combine(AppContext.BaseDirectory, "Golden", "checkpoints");
            IEnumerable<string> folders = Directory.EnumerateDirectories(golden);
            if (Environment.GetEnvironmentVariable("LEMMA_CHECKPOINTS") is { Length: > 0 } further)
                folders = folders.Concat(Directory.EnumerateDirectories(further));
            return folders.Where(folder => File.Exists(Path.Combine(folder, "expected.json"))).Order(StringComparer.Ordinal);
        }
    }

    public JsonElement Expected { get; }

    public Model Model { get; }

    public Workers Workers { get; }

    public Tape Tape { get; }

    /// <summary>The sequences without their padding.</summary>
    public Rows Input { get; }

    public static ReferenceCheckpoint Open(string folder, int threads = 2) => new(folder, threads);

    /// <summary>The ids of targets, for models that have them.</summary>
    public Rows Target => new(Numbers("decoder_input_ids").SelectMany(row => row).ToArray(), Numbers("decoder_input_ids").Select(row => row.Length).ToArray());

    /// <summary>The label of every row: of masked tokens its own, else that of the next position.</summary>
    public int[] Labels
    {
        get
        {
            int[][] labels = Numbers(Expected.GetProperty("training"), "labels");
            return Model switch
            {
                Encoder => [.. labels.SelectMany((row, i) => row.Take(mask[i].Sum()))],
                EncoderDecoder => [.. labels.SelectMany(row => row)],
                _ => [.. labels.SelectMany((row, i) => row.Skip(1).Append(-100).Take(mask[i].Sum()))],
            };
        }
    }

    public int[] TokenTypes => Expected.TryGetProperty("token_type_ids", out _)
        ? [.. Numbers("token_type_ids").SelectMany((row, i) => row.Take(mask[i].Sum()))] : [];

    public int[] Ints(string name) => [.. Expected.GetProperty(name).EnumerateArray().Select(value => value.GetInt32())];

    /// <summary>Recorded numbers of a padded batch, without the rows of padding.</summary>
    public float[] Rows(string name)
    {
        float[] padded = Floats(name);
        int width = padded.Length / mask.Sum(row => row.Length), length = mask[0].Length;
        return [.. mask.SelectMany((row, i) => padded.Skip(i * length * width).Take(row.Sum() * width))];
    }

    public float[] Floats(string name)
    {
        List<float> all = [];
        Collect(Expected.GetProperty(name), all);
        return [.. all];
    }

    /// <summary>The loss of the batch that the five steps train on.</summary>
    public LossPart Loss() => Model switch
    {
        Decoder decoder => decoder.Balanced(Tape, decoder.Loss(Tape, Input, Labels)),
        Encoder encoder => Loss(encoder),
        EncoderDecoder both => both.Loss(Tape, Input, Target, Labels),
        _ => throw new InvalidOperationException($"there is no loss of {Model}"),
    };

    private LossPart Loss(Encoder encoder)
    {
        Tensor hidden = encoder.Hidden(Tape, Input, TokenTypes);
        LossPart masked = encoder.MaskedLoss(Tape, hidden, Labels);
        return Expected.GetProperty("training").TryGetProperty("next_sentence_label", out JsonElement classes)
            ? masked.Plus(Tape, encoder.ClassLoss(Tape, hidden, Input.Lengths, classes.EnumerateArray().Select(value => value.GetInt32()).ToArray())) : masked;
    }

    /// <summary>Moves every weight by a unit in the last place, up or down: what is left of a result then is what single precision can hold.</summary>
    public void MoveWeights()
    {
        Philox random = new(1);
        ulong at = 0;
        foreach (Parameter parameter in Model.Parameters.All.Where(parameter => parameter.Learns))
        {
            foreach (ref float weight in Model.Parameters.Weights(parameter))
                weight = random.Uniform(at++) < 0.5 ? MathF.BitDecrement(weight) : MathF.BitIncrement(weight);
        }
    }

    public void Dispose()
    {
        Tape.Dispose();
        Workers.Dispose();
        Model.Dispose();
    }

    private static Rows Unpadded(int[][] ids, int[][] mask) =>
        new(ids.SelectMany((row, i) => row[..mask[i].Sum()]).ToArray(), mask.Select(row => row.Sum()).ToArray());

    private int[][] Numbers(string name) => Numbers(Expected, name);

    private static int[][] Numbers(JsonElement element, string name) =>
        [.. element.GetProperty(name).EnumerateArray().Select(row => row.EnumerateArray().Select(value => value.GetInt32()).ToArray())];

    private static void Collect(JsonElement element, List<float> all)
    {
        if (element.ValueKind == JsonValueKind.Number)
        {
            all.Add(element.GetSingle());
            return;
        }
        foreach (JsonElement inner in element.EnumerateArray())
            Collect(inner, all);
    }
}
