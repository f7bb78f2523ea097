namespace Lemma.Training;

/// <summary>A prompt of reinforcement learning.</summary>
/// <param name="Ids">What the policy reads.</param>
/// <param name="Text">The same as text, for rewards and messages.</param>
/// <param name="Answer">The answer that is right, where one is known.</param>
public sealed record PolicyPrompt(ReadOnlyMemory<int> Ids, string Text, string? Answer = null);

/// <summary>An answer to be judged.</summary>
/// <param name="Text">The text, without the id that ended it.</param>
/// <param name="Ids">The ids, with the one that ended it.</param>
/// <param name="IsEnded">Whether it ended by itself, not at the most tokens.</param>
public sealed record PolicyAnswer(string Text, ReadOnlyMemory<int> Ids, bool IsEnded);

/// <summary>How good an answer is: any finite number, more is better.</summary>
public delegate double PolicyReward(PolicyPrompt prompt, PolicyAnswer answer);
