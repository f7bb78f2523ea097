using Lemma.Checkpoints;
using Lemma.Cli.Parsing;
using Lemma.Language;
using Lemma.Models;
using Lemma.Text;

namespace Lemma.Cli.Tuning;

/// <summary>The model that a run of an encoder goes on from: its own last one, or that of a folder; and the files beside it.</summary>
internal sealed class ReadModel
{
    private readonly ModelFiles? given, weights;

    /// <summary>What a request and its option --model name.</summary>
    public ReadModel(ExampleRequest request, string? model)
    {
        given = model is null ? null : ModelFiles.Find(ModelPath.Find(model));
        weights = request.Resumes ? ModelFiles.Find(Path.Combine(request.Folder, "last")) : given;
        Tokenizer = weights?.ReadTokenizer();
    }

    /// <summary>Its tokenizer; null where the model is a new one.</summary>
    public Tokenizer? Tokenizer { get; }

    /// <summary>Reads the weights; null where the model is a new one.</summary>
    /// <param name="dropout">The dropout to train on with; null for the model's own.</param>
    /// <param name="kind">What kind of model is needed, for messages.</param>
    public T? Read<T>(float? dropout, string kind) where T : Model
    {
        if (weights is null)
            return null;
        Model model = ModelFolder.Read(weights.Weights, dropout);
        if (model is T right)
            return right;
        model.Dispose();
        throw new InvalidDataException($"model: the model in '{weights.Weights}' is not {kind}");
    }

    /// <summary>Copies what lies beside the model's tokenizer.</summary>
    public void WriteBeside(string folder)
    {
        if (given is not null)
            TunedModel.CopyCompanions(given, folder);
    }
}
