namespace Lemma.Decoding;

/// <summary>What ids and options must be to be continued.</summary>
/// <param name="VocabularySize">The model's ids.</param>
/// <param name="Longest">The longest sequence.</param>
/// <param name="Drawn">How many ids may be drawn.</param>
internal readonly record struct GenerationRules(int VocabularySize, int Longest, int Drawn)
{
    /// <summary>Refuses a wrong call.</summary>
    /// <param name="ids">The prompt, or what goes on behind a text.</param>
    /// <param name="generation">How it is continued.</param>
    /// <param name="count">How many sequences.</param>
    /// <param name="before">Ids of the text so far.</param>
    public void Check(ReadOnlySpan<int> ids, GenerationOptions generation, int count, int before)
    {
        ArgumentNullException.ThrowIfNull(generation);
        Require.That(count > 0, $"generation: there must be at least one sequence, but there are {count}");
        Require.That(before > 0 || !ids.IsEmpty, $"generation: the prompt must have at least one id, but it is empty");
        Require.That(before > 0 || ids.Length <= Longest, $"generation: the prompt of {ids.Length} ids is longer than the longest sequence, {Longest}; "
            + $"keep its last {Longest} ids, or fewer for more room");
        Require.That(ids.IsEmpty || before + ids.Length <= Longest,
            $"generation: {before} ids and {ids.Length} further ones are more than the longest sequence, {Longest}");
        foreach (int id in ids)
            Require.That((uint)id < (uint)VocabularySize, $"generation: id {id} is not in the vocabulary of {VocabularySize}");
        Require.That(generation.MaximumTokens >= 0, $"generation: the most tokens must not be negative, but they are {generation.MaximumTokens}");
        Require.That(generation.LogProbabilities is null || (generation.LogProbabilities >= 0 && generation.LogProbabilities <= Drawn),
            $"generation: the log-probabilities to tell must be from 0 to {Drawn}, but they are {generation.LogProbabilities}");
        Require.That(generation.Constraint is not { } constraint || constraint.Ids <= VocabularySize,
            $"generation: a constraint is over the ids of the model's tokenizer, at most {VocabularySize}, but it is over {generation.Constraint?.Ids}");
        Require.That(generation.Speculator is null || count == 1, $"generation: one text is guessed ahead, but {count} are asked for");
        Require.That(generation.StopTexts.Count == 0,
            $"generation: ids alone do not show the {generation.StopTexts.Count} texts to stop at, so a TextStream must be read");
    }
}
