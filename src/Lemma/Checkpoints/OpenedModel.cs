using Lemma.Compute;
using Lemma.Formats;
using Lemma.Models;
using Lemma.Weights;

namespace Lemma.Checkpoints;

/// <summary>The files of a model, which hold all of its parameters; memory for these is taken when they are filled.</summary>
internal sealed class OpenedModel : IDisposable
{
    private readonly Action<Parameters>? finish;
    private bool isFilled;

    /// <summary>Declares the model and checks that the file has its tensors and no others.</summary>
    /// <param name="family">The model's family.</param>
    /// <param name="file">The tensors; disposed with this.</param>
    /// <param name="config">The model's choices.</param>
    /// <param name="finish">Changes the parameters once they are read.</param>
    /// <param name="names">What the tensors are called where not as the family calls them.</param>
    public OpenedModel(Family family, TensorFile file, ModelConfig config, Action<Parameters>? finish = null, IWeightNames? names = null)
    {
        (Family, File, this.finish) = (family, file, finish);
        Model = ModelFolder.Declare(config, file.Path);
        Model.Origin = family.Name;
        try
        {
            Map = WeightMap.Match(names ?? family, file, Model);
        }
        catch
        {
            Model.Dispose();
            throw;
        }
    }

    public Family Family { get; }

    public TensorFile File { get; }

    public Model Model { get; }

    public WeightMap Map { get; }

    /// <summary>Reads the weights; the model is then the caller's.</summary>
    /// <param name="asStored">Whether quantized weights and those of 16 bits stay as the file has them, to be multiplied with; else all become float32.</param>
    public Model Fill(bool asStored = false)
    {
        using Workers workers = new();
        StoredWeights stored = new(asStored ? Map.Places : [], Model.Parameters);
        Model.Parameters.Allocate();
        stored.Fill(workers);
        Map.Fill(File, Model.Parameters, workers, stored.Names);
        finish?.Invoke(Model.Parameters);
        isFilled = true;
        return Model;
    }

    public void Dispose()
    {
        File.Dispose();
        if (!isFilled)
            Model.Dispose();
    }
}
