using System.Collections.Concurrent;

namespace Lemma.Server.Ollama;

/// <summary>Cards of the models that are served: each is read once, and again when a file of it changes.</summary>
internal sealed class ModelCards
{
    private readonly ConcurrentDictionary<string, (string Stamp, ModelCard Card)> cards = new(StringComparer.Ordinal);

    /// <summary>The card of a model.</summary>
    /// <exception cref="InvalidDataException">A file is broken.</exception>
    public ModelCard Of(ServedModel model)
    {
        string stamp = ModelDigest.StampOf(model.Path);
        if (cards.TryGetValue(model.Name, out (string Stamp, ModelCard Card) known) && known.Stamp == stamp)
            return known.Card;
        ModelCard card = ModelCard.Read(model);
        cards[model.Name] = (stamp, card);
        return card;
    }
}
