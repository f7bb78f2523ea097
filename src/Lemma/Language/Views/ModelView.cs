using Lemma.Models;
using Lemma.Sequences;
using Lemma.Tensors;

namespace Lemma.Language.Views;

/// <summary>A model with its tokenizer, to be looked into: what it would put at masks, what each layer would predict, where each head looks.</summary>
public sealed class ModelView : IDisposable
{
    private static readonly string[] MaskTokens = ["[MASK]", "<mask>"];
    private readonly ReadableModel model;

    private ModelView(ReadableModel model) => this.model = model;

    /// <summary>How many layers can be looked at: blocks of the stack that reads a text, of an encoder and a decoder the encoder's.</summary>
    public int Layers => model.Model.Reader.Layers;

    /// <summary>Reads a model's folder, or a checkpoint of llama2.c with the tokenizer beside it.</summary>
    /// <param name="path">The folder, the .bin file of llama2.c, or a folder with one.</param>
    /// <param name="threads">Threads that run the model; null for one a processor.</param>
    /// <exception cref="FileNotFoundException">The path is neither, or there is no tokenizer.</exception>
    /// <exception cref="InvalidDataException">A file is broken, or the files are not of one model.</exception>
    public static ModelView Load(string path, int? threads = null) => new(ReadableModel.Load(path, threads));

    /// <summary>What the head for masked tokens would put at each mask of a text.</summary>
    /// <param name="text">A text with the tokenizer's mask token, such as [MASK].</param>
    /// <param name="top">How many of the likeliest tokens are told.</param>
    /// <exception cref="ArgumentException">The model has no such head, or the text no mask; it is empty or longer than the model reads.</exception>
    public FilledText Fill(string text, int top = 5)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (model.Model is not Encoder { Config.Head: not null } encoder)
            throw new ArgumentException($"fill: the model is {model.Kind} without a head for masked tokens");
        int[] ids = model.Encode("fill", text);
        string mask = MaskTokens.FirstOrDefault(token => model.Tokenizer.IdOf(token) is not null)
            ?? throw new ArgumentException($"fill: the tokenizer has no mask token ({string.Join(" or ", MaskTokens)})");
        int maskId = model.Tokenizer.IdOf(mask)!.Value;
        int[] places = [.. Enumerable.Range(0, ids.Length).Where(i => ids[i] == maskId)];
        Require.That(places.Length > 0, $"fill: the text needs the mask token {mask} where something is to be filled in, but has none");
        using Tape tape = NewTape();
        Tensor logits = encoder.MaskedLogits(tape, tape.Embedding(places, encoder.Hidden(tape, Rows.One(ids))));
        int size = logits.Shape.Columns;
        FilledMask[] masks = [.. places.Select((place, i) => new FilledMask(place,
            TokenGuess.Likeliest("fill", tape[logits].Slice(i * size, size), top, model.TextOf)))];
        int[] filled = [.. ids];
        foreach (FilledMask one in masks)
            filled[one.Position] = one.Guesses[0].Id;
        return new FilledText(model.Tokenizer.Decode(filled), masks);
    }

    /// <summary>What each layer would predict: its rows through the last norm and the head (the logit lens, nostalgebraist 2020).</summary>
    /// <param name="text">The text.</param>
    /// <param name="top">How many of the likeliest tokens are told at each place.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">The model has no head over its vocabulary; the text is empty or longer than the model reads.</exception>
    public LensView Lens(string text, int top = 1, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (model.Model.Predictor is not { } head)
            throw new ArgumentException($"lens: the model is {model.Kind} without a head that predicts tokens of the text it reads");
        int[] ids = model.Encode("lens", text);
        LensObserver observer = new(model.Model.Reader, head, top, model.TextOf, cancellation);
        using Tape tape = NewTape();
        model.Model.Read(tape, Rows.One(ids), observer);
        return new LensView(ids, [.. ids.Select(model.TextOf)], observer.Guesses);
    }

    /// <summary>The maps of all heads of a layer: how much each token takes from each other.</summary>
    /// <param name="text">The text.</param>
    /// <param name="layer">The layer, from 0 on.</param>
    /// <param name="cancellation">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentException">There is no such layer, or it has no maps; the text is empty or longer than the model reads.</exception>
    public AttentionView Attention(string text, int layer, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        Require.That((uint)layer < (uint)Layers, $"attention: layer {layer} is not among the model's {Layers}, from 0 to {Layers - 1}");
        int[] ids = model.Encode("attention", text);
        MapObserver observer = new(layer, cancellation);
        using Tape tape = NewTape();
        model.Model.Read(tape, Rows.One(ids), observer);
        float[] weights = observer.Weights
            ?? throw new ArgumentException($"attention: layer {layer} has no weights of keys to be drawn, as linear attention has none");
        Require.That(!weights.AsSpan().ContainsAnyExceptInRange(0, 1), $"attention: layer {layer} has weights that are not numbers");
        return new AttentionView(layer, ids, [.. ids.Select(model.TextOf)], weights);
    }

    /// <summary>Frees the model and ends its threads.</summary>
    public void Dispose() => model.Dispose();

    private Tape NewTape() => new(model.Workers, model.Model.Parameters) { Recording = false };
}
